import { crc32 } from 'node:zlib';

/*
 *  A block: entries of the input log that are written together, as bytes in the order of this machine.
 *
 *    head    crc of the rest of the head · for each entry: the length of its body, and the crc of that
 *    bodies
 */

/** Entries of the input log that are written together. */
export interface InputBlock {
  /** Of the first; the others follow. */
  readonly place: number;
  readonly count: number;
  /** See `blockOf`. */
  readonly block: Uint8Array;
}

/** Bytes of a number of the head. */
const WORD = 4;

/** Writes entries as a block. */
export function blockOf(bodies: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const head = new Uint32Array(1 + 2 * bodies.length);
  let length = head.byteLength;
  for (const [index, body] of bodies.entries()) {
    head[1 + 2 * index] = body.byteLength;
    head[2 + 2 * index] = crc32(body);
    length += body.byteLength;
  }
  head[0] = crcOf(head);
  const block = new Uint8Array(length);
  block.set(new Uint8Array(head.buffer));
  let at = head.byteLength;
  for (const body of bodies) {
    block.set(body, at);
    at += body.byteLength;
  }
  return block;
}

/**
 * Reads a block of so many entries.
 * @returns their bodies, as views of it; undefined for each that is not as it was written
 */
export function bodiesOf(block: Uint8Array, count: number): (Uint8Array | undefined)[] {
  const size = WORD * (1 + 2 * count);
  const lost = Array.from({ length: count }, () => undefined);
  if (block.byteLength < size) return lost;
  const head = new Uint32Array(block.slice(0, size).buffer);
  if (head[0] !== crcOf(head)) return lost;
  let at = size;
  return lost.map((_, index) => {
    const length = head[1 + 2 * index] ?? 0;
    const body = block.subarray(at, at + length);
    at += length;
    return body.byteLength === length && head[2 + 2 * index] === crc32(body) ? body : undefined;
  });
}

function crcOf(head: Uint32Array<ArrayBuffer>): number {
  return crc32(new Uint8Array(head.buffer, WORD));
}
