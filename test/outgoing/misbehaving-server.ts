import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';

export interface Received {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** How a loopback server answers. */
export type Act = (response: ServerResponse, received: Received) => void;

/** Starts a server that keeps what it is sent and answers as told. */
export async function startServer(act: Act, host = '127.0.0.1') {
  const received: Received[] = [];
  let connections = 0;
  const server: Server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    const { method, url: path, headers } = request;
    const one = { method, path, headers, body: Buffer.concat(pieces).toString() };
    received.push(one);
    act(response, one);
  });
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: new URL(`http://${host.includes(':') ? `[${host}]` : host}:${port}/path`),
    received,
    connections: () => connections,
    async close(): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** One megabyte of zeros in a kilobyte, a thousand times: a gigabyte in an answer of a megabyte. */
const MEGABYTE = gzipSync(Buffer.alloc(1024 * 1024));

/** Ways to answer badly. */
export const MISBEHAVIOURS = {
  hang: () => {},
  reset: (response) => (response.socket as Socket).resetAndDestroy(),
  'hang up': (response) => response.destroy(),
  'cut short': (response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"half":', () => response.destroy());
  },
  /** A byte every 10 ms, for ever. */
  'slow drip': (response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write(' '), 10);
    response.on('close', () => clearInterval(timer));
  },
  'gzip bomb': (response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' });
    for (let megabyte = 0; megabyte < 1000; megabyte += 1) response.write(MEGABYTE);
    response.end();
  },
  'bad gzip': (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('not gzip'),
  'large answer': (response) => response.writeHead(200).end('x'.repeat(5 * 1024 * 1024)),
  'no http': (response) => response.socket?.end('SSH-2.0-OpenSSH_9.6\r\n'),
} as const satisfies Record<string, Act>;
