import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errorType, VconOtelError } from './model/error.ts';

/** Whether the service does what it is there for, and what there is to say about it (numbers and words of ours only). */
export interface Readiness {
  readonly ready: boolean;
  readonly details: Readonly<Record<string, unknown>>;
}

/** A running health endpoint. */
export interface HealthEndpoint {
  /** Base URL: `/healthz` and `/readyz` lie under it. */
  readonly url: string;
  /** Stops listening. Safe twice. */
  close(): Promise<void>;
}

/** Milliseconds for a request to arrive in. */
const REQUEST_TIMEOUT = 5_000;

/**
 * Answers `/healthz` (200 as long as the process runs) and `/readyz` (200 or 503), in JSON. Port 0 takes a free one.
 * @throws VconOtelError `ADDRESS_UNAVAILABLE`
 */
export async function startHealth(
  address: { readonly host: string; readonly port: number },
  readiness: () => Readiness,
): Promise<HealthEndpoint> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT, headersTimeout: REQUEST_TIMEOUT });
  server.maxConnections = 100;
  server.on('request', ({ url, method }, response) => {
    if (method !== 'GET' && method !== 'HEAD') answer(response, 405, { error: 'only GET' });
    else if (url === '/healthz') answer(response, 200, { status: 'ok' });
    else if (url === '/readyz') {
      const { ready, details } = readiness();
      answer(response, ready ? 200 : 503, { status: ready ? 'ready' : 'not ready', ...details });
    } else answer(response, 404, { error: 'only /healthz and /readyz' });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new VconOtelError(
          'ADDRESS_UNAVAILABLE',
          `health: cannot listen on ${address.host} port ${address.port}: ${errorType(cause)}`,
          { path: 'health', cause },
        ),
      ),
    );
    server.listen(address, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return {
    url: `http://${host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(response: ServerResponse, status: number, body: Readonly<Record<string, unknown>>): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(`${JSON.stringify(body)}\n`);
}
