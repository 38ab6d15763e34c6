import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';
import { ReceiverCounts } from '../../src/receivers/counts.ts';
import {
  type HttpReceiver,
  type HttpReceiverSettings,
  startHttpReceiver,
} from '../../src/receivers/http/http-receiver.ts';
import { CollectingSink } from './collecting-sink.ts';

/** A receiver of a test, and what it hands on. */
export interface TestReceiver extends HttpReceiver {
  readonly sink: CollectingSink;
  readonly counts: ReceiverCounts;
  /** Sends a body as protobuf, unless the headers say otherwise. */
  post(
    path: string,
    body: Uint8Array | string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Response>;
}

export const PROTOBUF = { 'content-type': 'application/x-protobuf' };
export const JSON_TYPE = { 'content-type': 'application/json' };
export const GZIP = { 'content-encoding': 'gzip' };

/** Starts a receiver on a free port; it is closed when the test has finished. */
export async function startReceiver(settings: Partial<HttpReceiverSettings> = {}): Promise<TestReceiver> {
  const sink = new CollectingSink();
  const counts = new ReceiverCounts();
  const receiver = await startHttpReceiver({
    host: '127.0.0.1',
    port: 0,
    maxBody: 16 * 1024 * 1024,
    headerTimeout: 10_000,
    bodyTimeout: 30_000,
    closeTimeout: 5_000,
    sink,
    counts,
    ...settings,
  });
  onTestFinished(() => receiver.close());
  return {
    ...receiver,
    sink,
    counts,
    post: (path, body, headers = PROTOBUF) =>
      fetch(receiver.url + path, { method: 'POST', body: Buffer.from(body), headers }),
  };
}

/** A connection that nobody reads from. */
export function openConnection(url: string): { readonly socket: Socket; readonly closed: Promise<void> } {
  const socket = connect(Number(new URL(url).port), '127.0.0.1').resume();
  // To be reset is an end too.
  socket.on('error', () => undefined);
  return { socket, closed: new Promise((resolve) => socket.once('close', () => resolve())) };
}

/** Zeros that unpack to so many bytes. */
export function bomb(bytes: number): Buffer {
  return gzipSync(Buffer.alloc(bytes));
}
