import { isUtf8 } from 'node:buffer';
import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Address, cannotListen } from '../model/address.ts';
import { withDeadline } from '../model/deadline.ts';
import { errorType } from '../model/error.ts';
import type { ThrottledLog } from '../model/throttled-log.ts';
import { addressCheck, pathOf } from './addressed.ts';
import { bearerCheck } from './bearer.ts';
import { limitPeers } from './peers.ts';
import { boundedPipelines } from './pipelines.ts';

/** What a request is answered with. */
export interface PageAnswer {
  readonly status: number;
  /** The media type. */
  readonly type: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer that goes on for as long as whoever writes it has something to say. */
export interface LongAnswer extends Omit<PageAnswer, 'body'> {
  /** Is handed the response when its head has been sent. */
  readonly begin: (response: ServerResponse) => void;
}

/** Either. */
export type ServerAnswer = PageAnswer | LongAnswer;

/** Where a small server listens, and who may come in. */
export interface SmallServerAddress extends Address {
  /** What `Authorization: Bearer` must contain; absent or empty if anybody may ask. */
  readonly token?: string | undefined;
  /** Names that it may be asked by, beside addresses and `localhost`. */
  readonly allowed_hosts?: readonly string[] | undefined;
}

/** What code passes to {@link startSmallServer}. */
export interface SmallServerSettings extends SmallServerAddress {
  /** The key of the configuration that asks for the server, for errors. */
  readonly path: string;
  readonly log: ThrottledLog;
  /** Answers a request of somebody who may come in. What it throws is told by its type, and answered with 500. */
  readonly answer: (request: IncomingMessage) => ServerAnswer | Promise<ServerAnswer>;
  /** What else than the header lets a request in. @param token what the header would have to contain */
  readonly letsIn?: ((request: IncomingMessage, token: string) => boolean) | undefined;
  /** Connections that may be open at once, and those of one peer. Default: 100 and 25. */
  readonly limits?: { readonly connections: number; readonly ofPeer: number } | undefined;
}

/** A running server. */
export interface SmallServer {
  /** Base URL. */
  readonly url: string;
  /** Asks for another token from now on. */
  renew(token: string | undefined): void;
  /** Stops listening; a request under way may finish within two seconds. Safe twice. */
  close(): Promise<void>;
}

/**
 * A server for few and short requests, of Node.js's own; fastify, as the receivers have it, would only make a program that serves
 * a page or two slower to start. What a slow or greedy client can hold is bounded. It keeps no process alive.
 * @throws VconOtelError `ADDRESS_UNAVAILABLE`
 */
export async function startSmallServer(settings: SmallServerSettings): Promise<SmallServer> {
  const { path, host, port, allowed_hosts = [], log, limits = LIMITS, letsIn } = settings;
  const server = createServer({
    headersTimeout: REQUEST_MILLIS,
    requestTimeout: REQUEST_MILLIS,
    connectionsCheckingInterval: REQUEST_MILLIS,
  });
  server.maxConnections = limits.connections;
  limitPeers(server, limits.ofPeer, log);
  const isForUs = addressCheck([host, ...allowed_hosts]);
  let token = settings.token;
  let mayEnter = bearerCheck({ token });
  server.setTimeout(2 * REQUEST_MILLIS);
  let underWay = 0;
  let closed: Promise<void> | undefined;
  const handle: RequestListener = (request, response) => {
    underWay += 1;
    response.once('close', () => {
      underWay -= 1;
      if (closed && underWay === 0) server.closeAllConnections();
    });
    if (!isForUs(request)) return send(response, FOREIGN);
    const isLetIn = mayEnter(request.headers.authorization) || letsIn?.(request, token ?? '');
    if (!isLetIn) return send(response, STRANGER);
    return void respond(request, response, settings);
  };
  server.on('request', boundedPipelines(handle, log));
  const taken = await listen(server, { path, host, port, log });
  server.unref();
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    renew(next) {
      token = next;
      mayEnter = bearerCheck({ token });
    },
    close() {
      closed ??= closeServer(server);
      // Nobody is waited for who has asked for nothing.
      if (underWay === 0) server.closeAllConnections();
      return closed;
    },
  };
}

/** An answer that says in JSON what is wrong with a request. */
export function refusal(status: number, error: string, headers: PageAnswer['headers'] = {}): PageAnswer {
  return { status, type: 'application/json', body: `${JSON.stringify({ error })}\n`, headers };
}

/** The body of a request; undefined where it is longer than so many bytes, or not UTF-8. */
export async function boundedBody(request: IncomingMessage, longest: number): Promise<string | undefined> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > longest) return undefined;
    pieces.push(piece);
  }
  const body = Buffer.concat(pieces);
  return isUtf8(body) ? body.toString() : undefined;
}

const LISTEN_MILLIS = 10_000;
/** Requests here are short; whoever takes longer to send one is nobody who should ask. */
const REQUEST_MILLIS = 5_000;
const CLOSE_MILLIS = 2_000;
const LIMITS = { connections: 100, ofPeer: 25 };

const FOREIGN = refusal(
  403,
  'this host is not known here: use an address, localhost or a name of allowed_hosts',
);

const STRANGER = refusal(401, 'the bearer token is missing or wrong', { 'www-authenticate': 'Bearer' });

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  { log, answer }: SmallServerSettings,
): Promise<void> {
  try {
    send(response, await answer(request));
  } catch (error) {
    const path = pathOf(request);
    log.warn(path, `${path} could not be answered: ${errorType(error)}`);
    send(response, refusal(500, 'it could not be answered'));
  }
}

function send(response: ServerResponse, answer: ServerAnswer): void {
  const { status, type, headers } = answer;
  const head = { 'cache-control': 'no-store', ...headers, 'content-type': type };
  if ('begin' in answer) {
    response.writeHead(status, head);
    response.flushHeaders();
    answer.begin(response);
    return;
  }
  const bytes = Buffer.from(answer.body);
  response.writeHead(status, { ...head, 'content-length': bytes.length });
  response.end(bytes);
}

async function listen(
  server: Server,
  { path, host, port, log }: Pick<SmallServerSettings, 'path' | 'host' | 'port' | 'log'>,
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
