import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EMPTY_ROOT, HASH_BYTES, nodeHash, splitPoint, subtreeRoot, TILE_HEIGHT } from './merkle.ts';
import { TILE_WIDTH, tilePath } from './tile.ts';

/**
 * Where tiles come from.
 * @param full the path of the full tile
 * @param partial that of the part of it that the tree has; the same where it is full
 * @throws Error if there is neither
 */
export type ReadTile = (full: string, partial: string) => Buffer;

/** Reads the tree of a given size from its tiles. Caches the tiles that it read last. */
export class TileReader {
  readonly size: number;
  readonly #read: ReadTile;
  readonly #kept = new Map<string, Buffer>();

  /** @param from a ledger's directory, or whatever else has its tiles */
  constructor(from: string | ReadTile, size: number) {
    this.#read = typeof from === 'string' ? tilesIn(from) : from;
    this.size = size;
  }

  /** Hashes of a level. */
  width(level: number): number {
    return Math.floor(this.size / TILE_WIDTH ** level);
  }

  /**
   * The hash at a place of a level of tiles.
   * @throws Error if the tile is missing or too short
   */
  hash(level: number, index: number): Buffer {
    const tile = Math.floor(index / TILE_WIDTH);
    const at = (index % TILE_WIDTH) * HASH_BYTES;
    return this.tile(level, tile).subarray(at, at + HASH_BYTES);
  }

  /** A tile, as wide as this tree has it. @throws Error as {@link hash} */
  tile(level: number, index: number): Buffer {
    const width = Math.min(TILE_WIDTH, this.width(level) - index * TILE_WIDTH);
    const full = tilePath(level, index);
    const kept = this.#kept.get(full);
    if (kept) return kept;
    const data = this.#read(full, tilePath(level, index, width)).subarray(0, width * HASH_BYTES);
    if (data.length < width * HASH_BYTES) throw new Error(`${full} is too short`);
    if (this.#kept.size >= KEPT) this.#kept.clear();
    this.#kept.set(full, data);
    return data;
  }

  /** The hashes of the tile at the right edge of a level; empty where that edge is the end of a full tile. */
  lastTile(level: number): Buffer[] {
    const from = this.width(level) - (this.width(level) % TILE_WIDTH);
    return Array.from({ length: this.width(level) - from }, (_, i) => this.hash(level, from + i));
  }

  /** The roots of the complete subtrees that this tree is made of, the largest first. */
  subtrees(): Buffer[] {
    const roots: Buffer[] = [];
    for (let start = 0; start < this.size; ) {
      let width = 1;
      while (start + width * 2 <= this.size) width *= 2;
      roots.push(this.root(start, start + width));
      start += width;
    }
    return roots;
  }

  /** The root of the leaves from `start` up to `end`; see {@link RangeRoot}. */
  root(start: number, end: number): Buffer {
    const width = end - start;
    const height = Math.log2(width);
    if (Number.isInteger(height)) return this.#complete(height, start / width);
    const middle = start + splitPoint(width);
    return nodeHash(this.root(start, middle), this.root(middle, end));
  }

  /** The root of a complete subtree: hashes of one tile, side by side. */
  #complete(height: number, index: number): Buffer {
    const level = Math.floor(height / TILE_HEIGHT);
    const width = 2 ** (height % TILE_HEIGHT);
    const first = index * width;
    const at = (first % TILE_WIDTH) * HASH_BYTES;
    const tile = this.tile(level, Math.floor(first / TILE_WIDTH));
    return subtreeRoot(tile.subarray(at, at + width * HASH_BYTES));
  }

  /** The root of a full tile, from its own hashes. */
  tileRoot(level: number, index: number): Buffer {
    return subtreeRoot(this.tile(level, index));
  }

  /** The root of the tree when it had that many leaves. */
  sizeRoot(size: number): Buffer {
    return size === 0 ? EMPTY_ROOT : this.root(0, size);
  }
}

/** The tiles in a directory. */
function tilesIn(directory: string): ReadTile {
  return (full, partial) => {
    // A partial tile is deleted once it is full.
    for (const path of [partial, full])
      try {
        return readFileSync(join(directory, path));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    throw new Error(`${full} is missing`);
  };
}

/** How many tiles are cached: 8 MiB at most. */
const KEPT = 1_024;
