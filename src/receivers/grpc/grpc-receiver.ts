import { once } from 'node:events';
import { type AddressInfo, createServer, type Server as NetServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { type handleUnaryCall, Server, ServerCredentials } from '@grpc/grpc-js';
import { bearerCheck, type Tokens } from '../../incoming/bearer.ts';
import { cannotListen } from '../../model/address.ts';
import { errorType } from '../../model/error.ts';
import type { FactSink } from '../../model/fact-sink.ts';
import { requestBounds } from '../byte-budget.ts';
import { boundConnections } from '../connections.ts';
import type { ReceiverCounts } from '../counts.ts';
import { JsonReader } from '../json/json-reader.ts';
import { exportResponse, RPC_CODE } from '../otlp/answers.ts';
import { type TracesSettings, takeTraces } from '../otlp/take-traces.ts';
import type { Receiver } from '../receiver.ts';
import { readTls, type TlsFiles } from '../tls.ts';
import { Admission } from './admission.ts';
import { type Denial, denied, NO_ROOM, NOT_KEPT, unreadable } from './denial.ts';
import { EXPORT_LOGS, EXPORT_METRICS, EXPORT_TRACES } from './services.ts';

/** What the receiver needs to start. Times are milliseconds. */
export interface GrpcReceiverSettings extends Tokens {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly tls?: TlsFiles | undefined;
  /** Bytes of a request, packed or not. */
  readonly maxBody: number;
  /** How long a whole request may take to arrive. */
  readonly bodyTimeout: number;
  /** For how long requests under way are waited for when it is closed. */
  readonly closeTimeout: number;
  readonly sink: FactSink;
  readonly counts: ReceiverCounts;
}

/** A running receiver; its url is what senders call the endpoint. */
export type GrpcReceiver = Receiver & { readonly url: string };

/**
 * Accepts OTLP over gRPC: spans, and metrics and logs, which are discarded. The connections are ours, so that they are bounded as
 * those of HTTP are; what is said on them is the library's.
 * @throws VconOtelError `ADDRESS_UNAVAILABLE`, `FILE_UNUSABLE`
 */
export async function startGrpcReceiver(settings: GrpcReceiverSettings): Promise<GrpcReceiver> {
  const { host, port, tls, sink, counts, bodyTimeout } = settings;
  const listener = await listenerFor(tls);
  const sockets = boundConnections(listener);
  const bounds = requestBounds(settings.maxBody);
  let mayEnter = bearerCheck(settings);
  const admission = new Admission({
    ...bounds,
    sink,
    mayEnter: (authorization) => mayEnter(authorization),
    bodyTimeout,
  });
  const jsonReader = new JsonReader();
  const server = new Server({
    interceptors: [admission.interceptor],
    'grpc.max_receive_message_length': bounds.maxBody,
    ...LIMITS,
  });
  server.addService(
    { traces: EXPORT_TRACES, metrics: EXPORT_METRICS, logs: EXPORT_LOGS },
    {
      traces: takesTraces(admission, { sink, counts, jsonReader }),
      metrics: discards('metrics', admission, counts),
      logs: discards('logs', admission, counts),
    },
  );
  const inside = server.createConnectionInjector(ServerCredentials.createInsecure());
  let closed: Promise<void> | undefined;
  listener.on(tls ? 'secureConnection' : 'connection', (socket) =>
    closed ? socket.destroy() : inside.injectConnection(socket),
  );
  try {
    listener.listen({ host, port });
    await once(listener, 'listening');
  } catch (cause) {
    server.forceShutdown();
    throw cannotListen('receivers.grpc', host, port, cause);
  }
  const address = listener.address() as AddressInfo;
  const name = host.includes(':') ? `[${host}]` : host;
  const close = async () => {
    const ended = once(listener, 'close');
    listener.close();
    // Requests under way come to their end, and no further one begins.
    inside.drain(settings.closeTimeout);
    const patience = setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, settings.closeTimeout);
    await ended;
    clearTimeout(patience);
    server.forceShutdown();
    await jsonReader.close();
  };
  return {
    url: `${tls ? 'https' : 'http'}://${name}:${address.port}`,
    renew: (tokens: Tokens) => {
      mayEnter = bearerCheck(tokens);
    },
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}

/** Of each connection. */
const LIMITS = {
  'grpc.max_concurrent_streams': 64,
  /** MB, for what is not a request's body. */
  'grpc-node.max_session_memory': 10,
  /** Milliseconds without a request: exporters of metrics send once a minute. */
  'grpc.max_connection_idle_ms': 90_000,
  /** Milliseconds after which a peer is asked whether it is still there. */
  'grpc.keepalive_time_ms': 60_000,
  'grpc.enable_channelz': 0,
};

/** Milliseconds that a TLS handshake may take. */
const HANDSHAKE = 10_000;

/** @throws VconOtelError `FILE_UNUSABLE` */
async function listenerFor(tls: TlsFiles | undefined): Promise<NetServer> {
  if (!tls) return createServer({ noDelay: true });
  const secured = await readTls(tls, 'receivers.grpc.tls');
  return createTlsServer({ ...secured, noDelay: true, ALPNProtocols: ['h2'], handshakeTimeout: HANDSHAKE });
}

/** Answers with OK when the spans of the conserver survive a crash, with a partial success if some of them cannot be used. */
function takesTraces(admission: Admission, settings: TracesSettings): handleUnaryCall<Buffer, Buffer> {
  const take = async (bytes: Buffer, sender: string | undefined): Promise<Buffer | Denial> => {
    const request = {
      encoding: 'protobuf',
      packing: 'none',
      packed: bytes,
      bytes,
      at: Date.now(),
      sender,
    } as const;
    const taken = await takeTraces(request, settings);
    switch (taken.kind) {
      case 'taken':
        return exportResponse(taken.rejected);
      case 'unreadable':
        return unreadable(taken.message);
      case 'full':
        return NO_ROOM;
      case 'lost':
        return NOT_KEPT;
    }
  };
  return ({ request, metadata }, answer) => {
    const admitted = admission.of(metadata);
    admitted?.holds(request.length);
    take(request, admitted?.sender.name)
      .then(
        (taken) => (Buffer.isBuffer(taken) ? answer(null, taken) : answer(denied(taken))),
        (error: unknown) =>
          answer({ code: RPC_CODE.internal, details: `the request failed: ${errorType(error)}` }),
      )
      .finally(() => admitted?.release());
  };
}

/** Accepts a signal that is not used, so that one endpoint can be configured for all signals. */
function discards(
  signal: 'metrics' | 'logs',
  admission: Admission,
  counts: ReceiverCounts,
): handleUnaryCall<Buffer, Buffer> {
  return ({ metadata }, answer) => {
    admission.of(metadata)?.holds(0);
    counts.add('other', signal);
    answer(null, exportResponse(0));
  };
}
