import { hash } from 'node:crypto';

/** Bytes of a SHA-256 hash. */
export const HASH_BYTES = 32;

/** The root of a tree without leaves (RFC 6962 §2.1): SHA-256 of nothing. */
export const EMPTY_ROOT: Buffer = hash('sha256', '', 'buffer');

/** The hash of a leaf, SHA-256(0x00 ‖ entry), in hexadecimal. The entry is text in UTF-8. */
export function leafHash(entry: string): string {
  return hash('sha256', `\0${entry}`, 'hex');
}

/** As {@link leafHash}, of any bytes. */
export function leafHashOf(entry: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([LEAF, entry]), 'buffer');
}

const LEAF = Buffer.of(0);

/** The hash of two subtrees side by side: SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Buffer, right: Buffer): Buffer {
  left.copy(node, 1);
  right.copy(node, 1 + HASH_BYTES);
  // The fastest way to its bytes.
  return Buffer.from(hash('sha256', node, 'binary'), 'latin1');
}

/** The root of a complete subtree: of as many hashes as a power of two, one after the other. */
export function subtreeRoot(hashes: Buffer): Buffer {
  const level = Buffer.from(hashes);
  for (let bytes = level.length; bytes > HASH_BYTES; bytes /= 2)
    for (let at = 0; at < bytes; at += 2 * HASH_BYTES) {
      level.copy(node, 1, at, at + 2 * HASH_BYTES);
      level.write(hash('sha256', node, 'binary'), at / 2, 'latin1');
    }
  return level.subarray(0, HASH_BYTES);
}

const node = Buffer.alloc(1 + 2 * HASH_BYTES, 1);

/** Called for each complete subtree of 256^level leaves: these are the hashes in tiles. */
export type OnTileHash = (level: number, hash: Buffer) => void;

/**
 * The right edge of a Merkle tree (RFC 6962 §2.1) that only grows: the roots of its complete subtrees, largest first.
 * Enough to add leaves and to know the root, in memory that grows with the logarithm of the size.
 */
export class MerkleFrontier {
  #size = 0;
  readonly #subtrees: Buffer[];
  readonly #onTileHash: OnTileHash;

  /** @param subtrees of a tree of that size: one for each 1 among the binary digits of the size, the largest first */
  constructor(onTileHash: OnTileHash = () => {}, size = 0, subtrees: readonly Buffer[] = []) {
    this.#onTileHash = onTileHash;
    this.#size = size;
    this.#subtrees = [...subtrees];
  }

  /** Leaves. */
  get size(): number {
    return this.#size;
  }

  /** Adds a leaf by its hash. */
  push(leaf: Buffer): void {
    this.#onTileHash(0, leaf);
    let subtree = leaf;
    let height = 0;
    for (let rest = this.#size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
      subtree = nodeHash(this.#subtrees.pop() ?? EMPTY_ROOT, subtree);
      height += 1;
      if (height % TILE_HEIGHT === 0) this.#onTileHash(height / TILE_HEIGHT, subtree);
    }
    this.#subtrees.push(subtree);
    this.#size += 1;
  }

  root(): Buffer {
    return this.#subtrees.length === 0
      ? EMPTY_ROOT
      : this.#subtrees.reduceRight((right, left) => nodeHash(left, right));
  }
}

/** Levels of the tree in one tile (C2SP tlog-tiles): a tile is 256 hashes wide. */
export const TILE_HEIGHT = 8;

/** The root of the leaves from `start` up to `end`, `start` being a multiple of the power of two that holds them. */
export type RangeRoot = (start: number, end: number) => Buffer;

/**
 * The inclusion proof of a leaf in a tree of that size (RFC 6962 §2.1.1), the leaf's sibling first.
 * @param index of the leaf; less than `size`
 */
export function inclusionProof(index: number, size: number, root: RangeRoot): Buffer[] {
  const proof: Buffer[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + splitPoint(end - start);
    if (index < middle) {
      proof.push(root(middle, end));
      end = middle;
    } else {
      proof.push(root(start, middle));
      start = middle;
    }
  }
  return proof.reverse();
}

/** The largest power of two that is less than `size` (RFC 6962 §2.1). */
export function splitPoint(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

/**
 * The root that an inclusion proof leads to, or undefined if it does not have the length that index and size require
 * (RFC 9162 §2.1.3.2).
 */
export function rootFromProof(
  leaf: Buffer,
  index: number,
  size: number,
  proof: readonly Buffer[],
): Buffer | undefined {
  if (index < 0 || index >= size) return undefined;
  let root = leaf;
  let [at, last] = [index, size - 1];
  for (const sibling of proof) {
    if (sibling.length !== HASH_BYTES || last === 0) return undefined;
    if (at % 2 === 1 || at === last) {
      root = nodeHash(sibling, root);
      while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)];
    } else root = nodeHash(root, sibling);
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 ? root : undefined;
}
