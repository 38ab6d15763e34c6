import type { Transform } from 'node:stream';
import { constants, createGunzip, createInflate, createInflateRaw, createZstdDecompress } from 'node:zlib';
import type { Received } from '../model/received.ts';

/** Packings as HTTP calls them (RFC 9110 §8.4.1, RFC 8878). */
export const PACKING: ReadonlyMap<string, Received['packing']> = new Map([
  ['', 'none'],
  ['identity', 'none'],
  ['gzip', 'gzip'],
  // The same (RFC 9110 §8.4.1.3).
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['zstd', 'zstd'],
]);

/** What comes of bytes that are unpacked, piece by piece. It throws the unpacker's Error where they are not packed like that. */
export async function* unpacked(packed: Uint8Array, packing: Received['packing']): AsyncGenerator<Buffer> {
  if (packing === 'none') {
    yield Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
    return;
  }
  const unpacker = UNPACK[packing](packed);
  unpacker.end(packed);
  yield* unpacker;
}

/**
 * Unpacks bytes at once.
 * @throws Error where they are not packed like that, or too many come of them
 */
export async function unpack(
  packed: Uint8Array,
  packing: Received['packing'],
  most: number,
): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of unpacked(packed, packing)) {
    size += piece.length;
    if (size > most) throw new RangeError('too large when unpacked');
    pieces.push(piece);
  }
  const [only] = pieces;
  return pieces.length === 1 && only ? only : Buffer.concat(pieces, size);
}

/** Bytes that are unpacked at a time: each time costs a way to another thread and back. */
const AT_A_TIME = { chunkSize: 64 * 1024 };

const UNPACK: Readonly<Record<Exclude<Received['packing'], 'none'>, (packed: Uint8Array) => Transform>> = {
  gzip: () => createGunzip(AT_A_TIME),
  // RFC 9110 means zlib's frame (RFC 1950); some send what is in it (RFC 1951).
  deflate: (packed) => (hasFrame(packed) ? createInflate(AT_A_TIME) : createInflateRaw(AT_A_TIME)),
  zstd: () => createZstdDecompress({ ...AT_A_TIME, params: WINDOW }),
};

/** A content coding has no window of more than 8 MiB (RFC 9659 §3): otherwise a few bytes ask for 128 MiB. */
const WINDOW = { [constants.ZSTD_d_windowLogMax]: 23 };

/** Compression method 8 (RFC 1950 §2.2). Without a frame, these four bits would be of a stored block that is not the last, and of its padding, which is 0. */
function hasFrame([first = DEFLATE]: Uint8Array): boolean {
  return (first & 0x0f) === DEFLATE;
}

const DEFLATE = 8;
