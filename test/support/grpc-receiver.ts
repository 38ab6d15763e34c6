import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import { ReceiverCounts } from '../../src/receivers/counts.ts';
import {
  type GrpcReceiver,
  type GrpcReceiverSettings,
  startGrpcReceiver,
} from '../../src/receivers/grpc/grpc-receiver.ts';
import { CollectingSink } from './collecting-sink.ts';

/** How a call was answered: with bytes, or with the client's error. */
export type GrpcAnswer =
  | { readonly code: 0; readonly body: Buffer }
  | { readonly code: number; readonly error: ServiceError };

/** A receiver of a test, and what it hands on. */
export interface TestGrpcReceiver extends GrpcReceiver {
  readonly sink: CollectingSink;
  readonly counts: ReceiverCounts;
  /** Sends bytes to the service of traces, unless it is told another. */
  send(body: Uint8Array, how?: Sending): Promise<GrpcAnswer>;
}

/** How something is sent. */
export interface Sending {
  readonly token?: string;
  /** `trace.v1.TraceService` and the like. */
  readonly service?: string;
  readonly channel?: ChannelOptions;
  readonly credentials?: ChannelCredentials;
  /** Milliseconds since the Unix epoch. */
  readonly deadline?: number;
}

/** Of a client: packs what it sends with gzip. */
export const GZIPPED: ChannelOptions = { 'grpc.default_compression_algorithm': 2 };

/** Starts a receiver on a free port; it is closed when the test has finished. */
export async function startGrpc(settings: Partial<GrpcReceiverSettings> = {}): Promise<TestGrpcReceiver> {
  const sink = new CollectingSink();
  const counts = new ReceiverCounts();
  const receiver = await startGrpcReceiver({
    host: '127.0.0.1',
    port: 0,
    maxBody: 4 * 1024 * 1024,
    bodyTimeout: 60_000,
    closeTimeout: 5_000,
    sink,
    counts,
    ...settings,
  });
  onTestFinished(() => receiver.close());
  return { ...receiver, sink, counts, send: (body, how) => sendOverGrpc(receiver.url, body, how) };
}

/** Sends bytes as one call of a connection of its own. */
async function sendOverGrpc(url: string, body: Uint8Array, how: Sending = {}): Promise<GrpcAnswer> {
  const { token, service = 'trace.v1.TraceService', channel = {}, deadline } = how;
  const client = new Client(new URL(url).host, how.credentials ?? credentials.createInsecure(), {
    'grpc.max_send_message_length': -1,
    ...(how.credentials && { 'grpc.ssl_target_name_override': 'localhost' }),
    ...channel,
  });
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  const asItIs = (bytes: Buffer) => bytes;
  try {
    return await new Promise((resolve) =>
      client.makeUnaryRequest(
        `/opentelemetry.proto.collector.${service}/Export`,
        asItIs,
        asItIs,
        Buffer.from(body),
        metadata,
        deadline === undefined ? {} : { deadline },
        (error, answer = Buffer.alloc(0)) =>
          resolve(error ? { code: error.code, error } : { code: 0, body: answer }),
      ),
    );
  } finally {
    client.close();
  }
}
