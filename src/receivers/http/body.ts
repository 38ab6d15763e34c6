import type { IncomingMessage } from 'node:http';
import { createGunzip, createInflate, type Gunzip, type Inflate } from 'node:zlib';
import type { ByteBudget } from './byte-budget.ts';
import { FULL, type Refusal } from './refusal.ts';

/** A request's body, unpacked, or why there is none. */
export type Body =
  | {
      readonly bytes: Buffer;
      /** To be called when the bytes are not held any more. */
      release(): void;
    }
  | { readonly refusal: Refusal };

/**
 * Reads a body as it comes and unpacks it (gzip, deflate). What is held at any time has been taken from the budget, and no
 * more than the limit is ever unpacked.
 */
export async function readBody(request: IncomingMessage, maxBody: number, budget: ByteBudget): Promise<Body> {
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? '';
  if (!UNPACK.has(encoding)) return { refusal: UNKNOWN_ENCODING };
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
  const unpacker = UNPACK.get(encoding)?.();
  try {
    for await (const chunk of unpacker ? unpacked(request, unpacker, maxBody) : whole(request)) {
      size += chunk.length;
      if (size > maxBody) return refused(TOO_LARGE);
      if (!take(chunk.length + CHUNK)) return refused(FULL);
      chunks.push(chunk);
    }
  } catch (error) {
    return refused(error instanceof PackedTooLarge ? TOO_LARGE : UNREADABLE);
  } finally {
    if (unpacker) {
      request.unpipe(unpacker);
      unpacker.destroy();
    }
    // What comes still is not waited for, but has to be taken off the connection before the next request.
    request.resume();
  }
  const inChunks = taken;
  if (!take(size)) return refused(FULL);
  const bytes = Buffer.concat(chunks, size);
  give(inChunks);
  return { bytes, release: () => give(taken) };
}

/** Resolves when a body has been taken off the connection, whatever it is; rejects where the connection ends before. */
export async function drain(request: IncomingMessage): Promise<void> {
  for await (const _ of whole(request));
}

/** Bytes that a chunk costs besides its own. */
const CHUNK = 128;

type Unpacker = Gunzip | Inflate;

const UNPACK: ReadonlyMap<string, undefined | (() => Unpacker)> = new Map([
  ['', undefined],
  ['identity', undefined],
  ['gzip', () => createGunzip()],
  ['deflate', () => createInflate()],
]);

const UNKNOWN_ENCODING: Refusal = { status: 415, message: 'the content encoding is gzip, deflate or none' };
const TOO_LARGE: Refusal = { status: 413, message: 'the body is too large' };
const UNREADABLE: Refusal = { status: 400, message: 'the body ends too early or is not packed as it says' };

class PackedTooLarge extends Error {}

/** Leaves the connection open where it is left. */
function whole(request: IncomingMessage): AsyncIterable<Buffer> {
  return { [Symbol.asyncIterator]: () => request.iterator({ destroyOnReturn: false }) };
}

function unpacked(request: IncomingMessage, unpacker: Unpacker, maxBody: number): AsyncIterable<Buffer> {
  let packed = 0;
  const count = (chunk: Buffer) => {
    packed += chunk.length;
    if (packed > maxBody) unpacker.destroy(new PackedTooLarge());
  };
  const ended = () => {
    if (!request.complete) unpacker.destroy(new Error('the connection has ended'));
  };
  request.on('data', count).once('error', ended).once('close', ended);
  return request.pipe(unpacker);
}
