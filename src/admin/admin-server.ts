import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { addressCheck } from '../incoming/addressed.ts';
import { bearerCheck } from '../incoming/bearer.ts';
import { limitPeers } from '../incoming/peers.ts';
import { type Address, cannotListen } from '../model/address.ts';
import { withDeadline } from '../model/deadline.ts';
import { errorType } from '../model/error.ts';
import { ThrottledLog } from '../model/throttled-log.ts';

/** What a path answers with. */
export interface PageAnswer {
  readonly status: number;
  /** The media type. */
  readonly type: string;
  readonly body: string;
}

/** Answers `GET` and `HEAD` of one path. */
export type PageHandler = () => PageAnswer | Promise<PageAnswer>;

/** Where it listens, and who may come in. */
export interface AdminAddress extends Address {
  /** What `Authorization: Bearer` must contain; absent or empty if anybody may ask. */
  readonly token?: string | undefined;
  /** Names that it may be asked by, beside addresses and `localhost`. */
  readonly allowed_hosts?: readonly string[] | undefined;
}

/** What code passes to {@link startAdminServer}. */
export interface AdminServerSettings extends AdminAddress {
  /** The key of the configuration that asks for the server, for errors. */
  readonly path: string;
  /** By path, as `/healthz`. */
  readonly pages: Readonly<Record<string, PageHandler>>;
}

/** A running server. */
export interface AdminServer {
  /** Base URL: the pages lie under it. */
  readonly url: string;
  /** Stops listening; a request under way may finish within two seconds. Safe twice. */
  close(): Promise<void>;
}

/**
 * Serves pages to operators and their programs: health, metrics. Nobody sends it a body that is read, so Node.js's own server
 * does; fastify, as the receivers have it, would only make a program with a scrape endpoint slower to start. What a slow or
 * greedy client can hold is bounded. It keeps no process alive.
 * @throws VconOtelError `ADDRESS_UNAVAILABLE`
 */
export async function startAdminServer({
  path,
  host,
  port,
  token,
  allowed_hosts = [],
  pages,
}: AdminServerSettings): Promise<AdminServer> {
  const server = createServer({
    headersTimeout: REQUEST_MILLIS,
    requestTimeout: REQUEST_MILLIS,
    connectionsCheckingInterval: REQUEST_MILLIS,
  });
  server.maxConnections = MAX_CONNECTIONS;
  limitPeers(server, MAX_OF_A_PEER, log);
  const isForUs = addressCheck([host, ...allowed_hosts]);
  const mayEnter = bearerCheck({ token });
  server.setTimeout(2 * REQUEST_MILLIS);
  let underWay = 0;
  let closed: Promise<void> | undefined;
  server.on('request', (request, response) => {
    underWay += 1;
    response.once('close', () => {
      underWay -= 1;
      if (closed && underWay === 0) server.closeAllConnections();
    });
    if (!isForUs(request.headers)) return send(response, FOREIGN);
    if (!mayEnter(request.headers.authorization)) {
      response.setHeader('www-authenticate', 'Bearer');
      return send(response, refusal(401, 'the bearer token is missing or wrong'));
    }
    return void respond(request, response, pages);
  });
  const taken = await listen(server, { path, host, port });
  server.unref();
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    close() {
      closed ??= closeServer(server);
      // Nobody is waited for who has asked for nothing.
      if (underWay === 0) server.closeAllConnections();
      return closed;
    },
  };
}

const LISTEN_MILLIS = 10_000;
/** A request here is a few hundred bytes; whoever takes longer to send one is neither an operator nor Prometheus. */
const REQUEST_MILLIS = 5_000;
const CLOSE_MILLIS = 2_000;
const MAX_CONNECTIONS = 100;
/** Of one peer. */
const MAX_OF_A_PEER = 25;

const log = new ThrottledLog('vcon-otel/admin');

async function respond(
  { url = '', method }: IncomingMessage,
  response: ServerResponse,
  pages: AdminServerSettings['pages'],
): Promise<void> {
  const [path = ''] = url.split('?', 1);
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  if (!page) return send(response, refusal(404, `only ${Object.keys(pages).join(', ')}`));
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return send(response, refusal(405, 'only GET'));
  }
  try {
    send(response, await page());
  } catch (error) {
    log.warn(path, `${path} could not be answered: ${errorType(error)}`);
    send(response, refusal(500, 'it could not be answered'));
  }
}

function refusal(status: number, error: string): PageAnswer {
  return { status, type: 'application/json', body: `${JSON.stringify({ error })}\n` };
}

const FOREIGN = refusal(
  403,
  'this host is not known here: use an address, localhost or a name of allowed_hosts',
);

function send(response: ServerResponse, { status, type, body }: PageAnswer): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, {
    'content-type': type,
    'content-length': bytes.length,
    'cache-control': 'no-store',
  });
  response.end(bytes);
}

async function listen(
  server: Server,
  { path, host, port }: Omit<AdminServerSettings, 'pages'>,
): Promise<number> {
  try {
    const listening = once(server, 'listening');
    server.listen({ host, port });
    await withDeadline(listening, LISTEN_MILLIS, 'listening');
  } catch (cause) {
    server.close();
    throw cannotListen(path, host, port, cause);
  }
  server.on('error', (error) => log.warn('server', `${path}: it has trouble: ${errorType(error)}`));
  return (server.address() as AddressInfo).port;
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), CLOSE_MILLIS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
