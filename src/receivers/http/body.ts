import type { IncomingMessage } from 'node:http';
import type { Received } from '../../model/received.ts';
import { type RequestBounds, Share } from '../byte-budget.ts';
import { PACKING, unpacked } from '../packing.ts';
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
 * Reads a body as it arrives, and unpacks it (gzip, deflate with and without zlib's frame, zstd). The budget accounts for
 * everything held at any time, and no more than the limit is ever unpacked.
 */
export async function readBody(request: IncomingMessage, { budget, maxBody }: RequestBounds): Promise<Body> {
  const packing = PACKING.get(request.headers['content-encoding']?.trim().toLowerCase() ?? '');
  if (!packing) return { refusal: UNKNOWN_ENCODING };
  if (Number(request.headers['content-length']) > maxBody) return { refusal: tooLarge(maxBody) };
  const share = new Share(budget);
  try {
    const packed = await gather(whole(request), maxBody, share);
    const at = Date.now();
    const bytes = packing === 'none' ? packed : await gather(unpacked(packed, packing), maxBody, share);
    return { packed, packing, bytes, at, release: () => share.keep(0) };
  } catch (error) {
    share.keep(0);
    return { refusal: error instanceof Refused ? error.refusal : UNREADABLE };
  } finally {
    // The rest is not awaited, but has to be taken off the connection before the next request.
    request.resume();
  }
}

/** Resolves when a body has been taken off the connection, whatever it is; rejects if the connection ends first. */
export async function drain(request: IncomingMessage): Promise<void> {
  for await (const _ of whole(request));
}

/** Bytes that a chunk costs in addition to its own. */
const CHUNK = 128;

const UNKNOWN_ENCODING: Refusal = {
  status: 415,
  message: 'the content encoding is gzip, deflate, zstd or none',
};
const UNREADABLE: Refusal = { status: 400, message: 'the body ends too early or is not packed as it says' };

function tooLarge(maxBody: number): Refusal {
  return { status: 413, message: `the body is larger than ${maxBody} bytes, packed or not` };
}

class Refused extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

/** All chunks in one piece. @throws Refused */
async function gather(source: AsyncIterable<Buffer>, maxBody: number, share: Share): Promise<Buffer> {
  const before = share.held;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > maxBody) throw new Refused(tooLarge(maxBody));
    if (!share.take(chunk.length + CHUNK)) throw new Refused(FULL);
    chunks.push(chunk);
  }
  if (!share.take(size)) throw new Refused(FULL);
  const bytes = Buffer.concat(chunks, size);
  share.keep(before + size);
  return bytes;
}

/** Leaves the connection open when iteration ends early. */
function whole(request: IncomingMessage): AsyncIterable<Buffer> {
  return { [Symbol.asyncIterator]: () => request.iterator({ destroyOnReturn: false }) };
}
