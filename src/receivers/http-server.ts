import { createServer, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import { errorType, VconOtelError } from '../model/error.ts';
import { bearerCheck } from './http/bearer.ts';
import { bridgeRoute } from './http/bridge-route.ts';
import { ByteBudget } from './http/byte-budget.ts';
import { otherSignalRoute, tracesRoute } from './http/otlp-routes.ts';
import { pathOf, refuse, WRONG_TYPE } from './http/refusal.ts';
import type { RouteSettings } from './http/routes.ts';
import { readTls, type TlsFiles } from './http/tls.ts';
import type { Intake } from './intake.ts';
import { JsonReader } from './json/json-reader.ts';
import type { Tally } from './tally.ts';

/** What the receiver is started with. Times are milliseconds. */
export interface HttpReceiverSettings {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** What `Authorization: Bearer` has to hold; absent or empty where anybody may send. */
  readonly token?: string | undefined;
  readonly tls?: TlsFiles | undefined;
  /** Bytes of a body, packed or not. */
  readonly maxBody: number;
  /** For the head of a request to arrive in, and for a TLS handshake. */
  readonly headerTimeout: number;
  /** For a whole request to arrive in. */
  readonly bodyTimeout: number;
  readonly intake: Intake;
  readonly tally: Tally;
}

/** A running receiver. */
export interface HttpReceiver {
  /** Base URL: `/v1/traces` and the others lie under it. */
  readonly url: string;
  /** Stops listening, lets requests under way come to their end for a few seconds, then ends every connection. Safe twice. */
  close(): Promise<void>;
}

/**
 * Takes OTLP over HTTP (`/v1/traces`; `/v1/metrics` and `/v1/logs` are taken and forgotten) and forwarded records
 * (`/v1/bridge`). What it holds of requests is bounded, and so are the connections and their time.
 * @throws VconOtelError `ADDRESS_UNAVAILABLE`, `FILE_UNUSABLE`
 */
export async function startHttpReceiver(settings: HttpReceiverSettings): Promise<HttpReceiver> {
  const { host, port, intake, tally, maxBody } = settings;
  const sockets = new Set<Socket>();
  const serve = await serverMaker(settings, sockets);
  const jsonReader = new JsonReader();
  const app = fastify({ serverFactory: serve });
  const budget = new ByteBudget(Math.max(8 * maxBody, MIN_BUDGET));
  addRoutes(app, { intake, tally, jsonReader, budget, maxBody }, settings.token);
  try {
    await app.listen({ host, port });
  } catch (cause) {
    await app.close();
    throw new VconOtelError(
      'ADDRESS_UNAVAILABLE',
      `receivers.http: cannot listen on ${host} port ${port}: ${errorType(cause)}`,
      { path: 'receivers.http', cause },
    );
  }
  const address = app.server.address() as AddressInfo;
  const name = host.includes(':') ? `[${host}]` : host;
  return {
    url: `${settings.tls ? 'https' : 'http'}://${name}:${address.port}`,
    close: async () => {
      const patience = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, PATIENCE);
      await app.close();
      clearTimeout(patience);
      await jsonReader.close();
    },
  };
}

/** Bytes that bodies under way may take up at least. */
const MIN_BUDGET = 64 * 1024 * 1024;
/** Milliseconds for requests under way when the receiver is closed. */
const PATIENCE = 5_000;
/** Connections at a time; more are closed as they come. */
const MAX_CONNECTIONS = 2_000;
/** Milliseconds between two requests of a connection: longer than the pauses of exporters, which are 5 s. */
const KEEP_ALIVE = 30_000;
/** Milliseconds between two looks for connections that took too long, at most. */
const CHECKING = 1_000;

/** @throws VconOtelError `FILE_UNUSABLE` */
async function serverMaker(
  { tls, headerTimeout, bodyTimeout }: HttpReceiverSettings,
  sockets: Set<Socket>,
): Promise<(handler: Parameters<typeof createServer>[1]) => Server> {
  const limits: ServerOptions = {
    headersTimeout: headerTimeout,
    requestTimeout: Math.max(headerTimeout, bodyTimeout),
    connectionsCheckingInterval: Math.min(headerTimeout / 2, CHECKING),
    keepAliveTimeout: KEEP_ALIVE,
  };
  const secured = tls && { ...(await readTls(tls)), handshakeTimeout: headerTimeout };
  return (handler) => {
    const server = secured
      ? createTlsServer({ ...limits, ...secured }, handler)
      : createServer(limits, handler);
    server.maxConnections = MAX_CONNECTIONS;
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    return server;
  };
}

function addRoutes(app: FastifyInstance, settings: RouteSettings, token: string | undefined): void {
  const mayEnter = token ? bearerCheck(token) : () => true;
  app.addHook('onRequest', async (request, reply) => {
    if (mayEnter(request.headers.authorization)) return undefined;
    return refuse(request, reply, { status: 401, message: 'the bearer token is missing or wrong' });
  });
  // Bodies are read by the routes, within the budget.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  const routes = {
    '/v1/traces': tracesRoute(settings),
    '/v1/metrics': otherSignalRoute('metrics', settings),
    '/v1/logs': otherSignalRoute('logs', settings),
    '/v1/bridge': bridgeRoute(settings),
  };
  for (const [path, route] of Object.entries(routes)) app.post(path, route);
  app.setNotFoundHandler((request, reply) =>
    Object.hasOwn(routes, pathOf(request))
      ? refuse(request, reply, { status: 405, message: 'only POST' })
      : refuse(request, reply, { status: 404, message: `only ${Object.keys(routes).join(', ')}` }),
  );
  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (error.statusCode === 415) return refuse(request, reply, WRONG_TYPE);
    const isTheirs = error.statusCode !== undefined && error.statusCode < 500;
    return refuse(request, reply, {
      status: isTheirs ? 400 : 500,
      message: `the request failed: ${errorType(error)}`,
    });
  });
}
