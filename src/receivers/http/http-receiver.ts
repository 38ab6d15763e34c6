import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import { addressCheck, pathOf } from '../../incoming/addressed.ts';
import { bearerCheck, type Tokens } from '../../incoming/bearer.ts';
import { boundedPipelines } from '../../incoming/pipelines.ts';
import { cannotListen } from '../../model/address.ts';
import { errorType } from '../../model/error.ts';
import type { FactSink } from '../../model/fact-sink.ts';
import { ThrottledLog } from '../../model/throttled-log.ts';
import { requestBounds } from '../byte-budget.ts';
import { boundConnections } from '../connections.ts';
import type { ReceiverCounts } from '../counts.ts';
import { JsonReader } from '../json/json-reader.ts';
import type { Receiver } from '../receiver.ts';
import { readTls, type TlsFiles } from '../tls.ts';
import { bridgeRoute } from './bridge-route.ts';
import { otherSignalRoute, tracesRoute } from './otlp-routes.ts';
import { FOREIGN, refuse, WRONG_TYPE } from './refusal.ts';
import type { RouteSettings } from './routes.ts';

/** What the receiver needs to start. Times are milliseconds. */
export interface HttpReceiverSettings extends Tokens {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Names that senders may know it by, beside addresses and `localhost`. */
  readonly hosts?: readonly string[];
  readonly tls?: TlsFiles | undefined;
  /** Bytes of a body, packed or not. */
  readonly maxBody: number;
  /** How long the head of a request may take to arrive, and a TLS handshake. */
  readonly headerTimeout: number;
  /** How long a whole request may take to arrive. */
  readonly bodyTimeout: number;
  /** For how long requests under way are waited for when it is closed. */
  readonly closeTimeout: number;
  readonly sink: FactSink;
  readonly counts: ReceiverCounts;
}

/** A running receiver: `/v1/traces` and the others are under its url. */
export type HttpReceiver = Receiver & { readonly url: string };

/**
 * Accepts OTLP over HTTP (`/v1/traces`; `/v1/metrics` and `/v1/logs` are accepted and discarded) and forwarded records
 * (`/v1/bridge`). The memory for requests, the connections and their time are bounded.
 * @throws VconOtelError `ADDRESS_UNAVAILABLE`, `FILE_UNUSABLE`
 */
export async function startHttpReceiver(settings: HttpReceiverSettings): Promise<HttpReceiver> {
  const { host, port, sink, counts, maxBody } = settings;
  const serve = await serverMaker(settings);
  const jsonReader = new JsonReader();
  const app = fastify({ serverFactory: serve });
  const sockets = boundConnections(app.server);
  let mayEnter = bearerCheck(settings);
  const routes = { sink, counts, jsonReader, ...requestBounds(maxBody) };
  addRoutes(app, routes, settings, (authorization) => mayEnter(authorization));
  try {
    await app.listen({ host, port });
  } catch (cause) {
    await app.close();
    throw cannotListen('receivers.http', host, port, cause);
  }
  const address = app.server.address() as AddressInfo;
  const name = host.includes(':') ? `[${host}]` : host;
  return {
    url: `${settings.tls ? 'https' : 'http'}://${name}:${address.port}`,
    renew: (tokens: Tokens) => {
      mayEnter = bearerCheck(tokens);
    },
    close: async () => {
      const patience = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, settings.closeTimeout);
      await app.close();
      clearTimeout(patience);
      await jsonReader.close();
    },
  };
}

const log = new ThrottledLog('vcon-otel/receivers');

/** Milliseconds between two requests of a connection: longer than the pauses of exporters, which are 5 s. */
const KEEP_ALIVE = 30_000;
/** Milliseconds, at most, between two checks for connections that took too long. */
const CHECKING = 1_000;

/** @throws VconOtelError `FILE_UNUSABLE` */
async function serverMaker({
  tls,
  headerTimeout,
  bodyTimeout,
}: HttpReceiverSettings): Promise<(handler: RequestListener) => Server> {
  const limits: ServerOptions = {
    headersTimeout: headerTimeout,
    requestTimeout: Math.max(headerTimeout, bodyTimeout),
    connectionsCheckingInterval: Math.min(headerTimeout / 2, CHECKING),
    keepAliveTimeout: KEEP_ALIVE,
  };
  const secured = tls && { ...(await readTls(tls, 'receivers.http.tls')), handshakeTimeout: headerTimeout };
  return (handler) => {
    const bounded = boundedPipelines(handler, log);
    return secured ? createTlsServer({ ...limits, ...secured }, bounded) : createServer(limits, bounded);
  };
}

function addRoutes(
  app: FastifyInstance,
  settings: RouteSettings,
  { host, hosts = [] }: HttpReceiverSettings,
  mayEnter: ReturnType<typeof bearerCheck>,
): void {
  const isForUs = addressCheck([host, ...hosts]);
  app.decorateRequest('sender', undefined);
  app.addHook('onRequest', async (request, reply) => {
    if (!isForUs(request.raw)) return refuse(request, reply, FOREIGN);
    const sender = mayEnter(request.headers.authorization);
    if (!sender)
      return refuse(request, reply, { status: 401, message: 'the bearer token is missing or wrong' });
    request.sender = sender.name;
    return undefined;
  });
  // The routes read bodies, within the budget.
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
