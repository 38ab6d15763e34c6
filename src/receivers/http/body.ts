import type { IncomingMessage } from 'node:http';
import type { Transform } from 'node:stream';
import { createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import type { Received } from '../../model/received.ts';
import type { ByteBudget } from './byte-budget.ts';
import { FULL, type Refusal } from './refusal.ts';

/** A request's body, or the reason why there is none. */
export type Body =
  | {
      /** As it came. */
      readonly packed: Buffer;
      readonly packing: Received['packing'];
      /** Unpacked. */
      readonly bytes: Buffer;
      /** When it had come, milliseconds since the Unix epoch. */
      readonly at: number;
      /** Call this when the bytes are no longer held. */
      release(): void;
    }
  | { readonly refusal: Refusal };

/**
 * Reads a body as it arrives, and unpacks it (gzip, deflate, zstd). The budget accounts for everything held at any time, and no
 * more than the limit is ever unpacked.
 */
export async function readBody(request: IncomingMessage, maxBody: number, budget: ByteBudget): Promise<Body> {
  const packing = PACKING.get(request.headers['content-encoding']?.trim().toLowerCase() ?? '');
  if (!packing) return { refusal: UNKNOWN_ENCODING };
  if (Number(request.headers['content-length']) > maxBody) return { refusal: TOO_LARGE };
  let size = 0;
  let taken = 0;
  const take = (bytes: number): boolean => {
    const got = budget.take(bytes);
    if (got) taken += bytes;
    return got;
  };
  const give = (bytes: number): void => {
    budget.give(bytes);
    taken -= bytes;
  };
  const refused = (refusal: Refusal): Body => {
    give(taken);
    return { refusal };
  };
  const chunks: Buffer[] = [];
  const packed: Buffer[] = [];
  const unpacker = UNPACK[packing]?.();
  // What cannot be taken is noticed with the next chunk.
  const keep = (chunk: Buffer): void => {
    if (take(chunk.length)) packed.push(chunk);
    else unpacker?.destroy(new Full());
  };
  try {
    for await (const chunk of unpacker ? unpacked(request, unpacker, maxBody, keep) : whole(request)) {
      size += chunk.length;
      if (size > maxBody) return refused(TOO_LARGE);
      if (!take(chunk.length + CHUNK)) return refused(FULL);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof Full) return refused(FULL);
    return refused(error instanceof PackedTooLarge ? TOO_LARGE : UNREADABLE);
  } finally {
    if (unpacker) {
      request.unpipe(unpacker);
      unpacker.destroy();
    }
    // The rest is not awaited, but has to be taken off the connection before the next request.
    request.resume();
  }
  const inChunks = taken;
  const packedSize = packed.reduce((sum, chunk) => sum + chunk.length, 0);
  if (!take(size + packedSize)) return refused(FULL);
  const bytes = Buffer.concat(chunks, size);
  const came = unpacker ? Buffer.concat(packed, packedSize) : bytes;
  give(inChunks);
  return { packed: came, packing, bytes, at: Date.now(), release: () => give(taken) };
}

/** Resolves when a body has been taken off the connection, whatever it is; rejects if the connection ends first. */
export async function drain(request: IncomingMessage): Promise<void> {
  for await (const _ of whole(request));
}

/** Bytes that a chunk costs in addition to its own. */
const CHUNK = 128;

const PACKING: ReadonlyMap<string, Received['packing']> = new Map([
  ['', 'none'],
  ['identity', 'none'],
  ['gzip', 'gzip'],
  // The same (RFC 9110 §8.4.1.3).
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['zstd', 'zstd'],
]);

/** Bytes that are unpacked at a time: each time costs a way to another thread and back. */
const AT_A_TIME = { chunkSize: 64 * 1024 };

const UNPACK: Readonly<Record<Received['packing'], undefined | (() => Transform)>> = {
  none: undefined,
  gzip: () => createGunzip(AT_A_TIME),
  deflate: () => createInflate(AT_A_TIME),
  zstd: () => createZstdDecompress(AT_A_TIME),
};

const UNKNOWN_ENCODING: Refusal = {
  status: 415,
  message: 'the content encoding is gzip, deflate, zstd or none',
};
const TOO_LARGE: Refusal = { status: 413, message: 'the body is too large' };
const UNREADABLE: Refusal = { status: 400, message: 'the body ends too early or is not packed as it says' };

class PackedTooLarge extends Error {}

class Full extends Error {}

/** Leaves the connection open when iteration ends early. */
function whole(request: IncomingMessage): AsyncIterable<Buffer> {
  return { [Symbol.asyncIterator]: () => request.iterator({ destroyOnReturn: false }) };
}

function unpacked(
  request: IncomingMessage,
  unpacker: Transform,
  maxBody: number,
  keep: (packed: Buffer) => void,
): AsyncIterable<Buffer> {
  let packed = 0;
  const count = (chunk: Buffer) => {
    packed += chunk.length;
    if (packed > maxBody) unpacker.destroy(new PackedTooLarge());
    else keep(chunk);
  };
  const ended = () => {
    if (!request.complete) unpacker.destroy(new Error('the connection has ended'));
  };
  request.on('data', count).once('error', ended).once('close', ended);
  return request.pipe(unpacker);
}
