import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HASH_BYTES } from '../proof/merkle.ts';
import { fullPath, TILE_WIDTH, type Tile, tilePath } from '../proof/tile.ts';
import { TileEdge } from '../proof/tile-edge.ts';
import { TileReader } from '../proof/tile-reader.ts';
import type { LedgerFault } from './verdict.ts';

/** Grows a tree from the hashes of records and compares its tiles with those on disk. */
export class TileChecker {
  readonly #directory: string;
  readonly #signed: number;
  readonly #edge: TileEdge;
  /** The tile on disk that the next leaf belongs to. */
  #tile: Buffer | undefined;
  #fault: LedgerFault | undefined;

  /**
   * @param first the record to start from; everything before it is taken from the tiles
   * @param signed how many records the newest checkpoint covers: their tiles must exist
   * @throws Error if a needed tile is missing or too short
   */
  constructor(directory: string, first: number, signed: number) {
    this.#directory = directory;
    this.#signed = signed;
    this.#edge = new TileEdge(first === 0 ? undefined : new TileReader(directory, first));
    this.#checkBefore(first);
    this.#tile = this.#leafTile();
  }

  get size(): number {
    return this.#edge.frontier.size;
  }

  root(): Buffer {
    return this.#edge.frontier.root();
  }

  /** Adds a leaf. @returns false if its tile has another hash */
  push(leaf: Buffer): boolean {
    const at = (this.size % TILE_WIDTH) * HASH_BYTES;
    const known = this.size < this.#signed ? this.#tile?.subarray(at, at + HASH_BYTES) : undefined;
    const other = known && !known.equals(leaf);
    this.#edge.frontier.push(leaf);
    if (this.size % TILE_WIDTH === 0) {
      for (const tile of this.#edge.takeFull()) if (this.size <= this.#signed) this.#compare(tile, true);
      this.#tile = this.#leafTile();
    }
    return !other;
  }

  /** Compares the partial tiles of the tree as it is now, which is that of a checkpoint. @param newest of all */
  partial(newest: boolean): void {
    for (const tile of this.#edge.partial()) this.#compare(tile, newest);
  }

  /** The first wrong tile. */
  get fault(): LedgerFault | undefined {
    return this.#fault;
  }

  /** The tile in which a leaf has another hash. */
  faultAt(index: number): LedgerFault {
    const [full, partial] = this.#leafPaths(Math.floor(index / TILE_WIDTH));
    const path = existsSync(join(this.#directory, full)) ? full : partial;
    const offset = (index % TILE_WIDTH) * HASH_BYTES;
    return { file: path, offset, reason: `the tile is not of these records (record ${index})` };
  }

  #leafTile(): Buffer | undefined {
    const [full, partial] = this.#leafPaths(Math.floor(this.size / TILE_WIDTH));
    return this.#onDisk(full) ?? this.#onDisk(partial);
  }

  /** Where a tile of leaves may be: full, or as wide as in the newest checkpoint. */
  #leafPaths(index: number): readonly [full: string, partial: string] {
    const width = Math.max(1, Math.min(TILE_WIDTH, this.#signed - index * TILE_WIDTH));
    return [tilePath(0, index), tilePath(0, index, width)];
  }

  /** A tile must exist, full or as wide as in the tree; a partial one may be gone if the full one exists. */
  #compare({ path, data }: Tile, required: boolean): void {
    const full = fullPath(path);
    const isFullThere = existsSync(join(this.#directory, full));
    const found =
      this.#onDisk(path) ?? (isFullThere ? this.#onDisk(full)?.subarray(0, data.length) : undefined);
    if (found ? found.equals(data) : !required) return;
    const offset = found
      ? Math.max(
          0,
          data.findIndex((byte, i) => byte !== found[i]),
        )
      : 0;
    this.#fault ??= {
      file: path,
      offset,
      reason: found ? 'the tile is not of these records' : 'the tile is missing',
    };
  }

  /** Every hash above the lowest level must be that of the tile below it. */
  #checkBefore(first: number): void {
    const tiles = new TileReader(this.#directory, first);
    for (let level = 0; tiles.width(level + 1) > 0; level += 1)
      for (let index = 0; index < tiles.width(level + 1); index += 1) {
        if (tiles.tileRoot(level, index).equals(tiles.hash(level + 1, index))) continue;
        this.#fault ??= {
          file: tilePath(level, index),
          offset: 0,
          reason: 'the tile does not lead to the one above it',
        };
      }
  }

  #onDisk(path: string): Buffer | undefined {
    const file = join(this.#directory, path);
    return existsSync(file) ? readFileSync(file) : undefined;
  }
}
