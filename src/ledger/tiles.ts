import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  EMPTY_ROOT,
  HASH_BYTES,
  MerkleFrontier,
  nodeHash,
  splitPoint,
  subtreeRoot,
  TILE_HEIGHT,
} from './merkle.ts';

/** Hashes in a full tile. */
export const TILE_WIDTH = 2 ** TILE_HEIGHT;

/** Where a tile lies below the ledger's directory (C2SP tlog-tiles): `tile/<level>/x001/x234/067[.p/<width>]`. */
export function tilePath(level: number, index: number, width = TILE_WIDTH): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? [];
  const path = groups.map((group, i) => (i === groups.length - 1 ? group : `x${group}`)).join('/');
  return `tile/${level}/${path}${width < TILE_WIDTH ? `.p/${width}` : ''}`;
}

/** A tile to be written. */
export interface Tile {
  readonly path: string;
  readonly data: Buffer;
}

/**
 * The tiles of a growing tree: full ones when they are full, the partial ones of its right edge when they are asked
 * for. A partial tile is never hashed into the level above.
 */
export class TileEdge {
  readonly frontier: MerkleFrontier;
  readonly #edge: Buffer[][] = [];
  #full: Tile[] = [];

  /** @param tiles of the tree that is grown on; absent for an empty one */
  constructor(tiles?: TileReader) {
    const size = tiles?.size ?? 0;
    this.frontier = new MerkleFrontier(
      (level, hash) => this.#add(level, hash),
      size,
      tiles?.subtrees() ?? [],
    );
    for (let level = 0; tiles && tiles.width(level) > 0; level += 1)
      this.#edge[level] = tiles.lastTile(level);
  }

  /** Tiles that became full since this was last called. */
  takeFull(): Tile[] {
    const full = this.#full;
    this.#full = [];
    return full;
  }

  /** The partial tiles of the tree as it is now. */
  partial(): Tile[] {
    const { size } = this.frontier;
    return this.#edge.flatMap((hashes, level) => {
      if (hashes.length === 0) return [];
      const index = Math.floor(size / TILE_WIDTH ** (level + 1));
      return [{ path: tilePath(level, index, hashes.length), data: Buffer.concat(hashes) }];
    });
  }

  #add(level: number, hash: Buffer): void {
    const hashes = this.#edge[level] ?? [];
    this.#edge[level] = hashes;
    hashes.push(hash);
    if (hashes.length < TILE_WIDTH) return;
    this.#edge[level] = [];
    // The frontier counts a leaf when all its subtrees are made.
    const size = this.frontier.size + 1;
    const index = size / TILE_WIDTH ** (level + 1) - 1;
    this.#full.push({ path: tilePath(level, index), data: Buffer.concat(hashes) });
  }
}

/** Writes tiles below a directory, without waiting for the disk. */
export function writeTiles(directory: string, tiles: readonly Tile[]): void {
  for (const { path, data } of tiles) {
    const file = join(directory, path);
    const temporary = `${file}.tmp`;
    try {
      writeFileSync(temporary, data);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(temporary, data);
    }
    // Somebody may be reading: a tile is seen whole or not at all.
    renameSync(temporary, file);
  }
}

/** Reads the tree of a size from its tiles. Keeps the tiles that it read last. */
export class TileReader {
  readonly size: number;
  readonly #directory: string;
  readonly #kept = new Map<string, Buffer>();

  constructor(directory: string, size: number) {
    this.#directory = directory;
    this.size = size;
  }

  /** Hashes of a level. */
  width(level: number): number {
    return Math.floor(this.size / TILE_WIDTH ** level);
  }

  /**
   * The hash at a place of a level of tiles.
   * @throws Error where the tile is missing or too short
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

  /** The root of the tree when it had so many leaves. */
  sizeRoot(size: number): Buffer {
    return size === 0 ? EMPTY_ROOT : this.root(0, size);
  }

  #read(full: string, partial: string): Buffer {
    // A partial tile is deleted once it is full.
    for (const path of [partial, full])
      try {
        return readFileSync(join(this.#directory, path));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    throw new Error(`${full} is missing`);
  }
}

/** Tiles that are kept: 8 MiB at most. */
const KEPT = 1_024;
