import { MerkleFrontier } from './merkle.ts';
import { TILE_WIDTH, type Tile, tilePath } from './tile.ts';
import type { TileReader } from './tile-reader.ts';

/**
 * The tiles of a growing tree: full ones as soon as they are full, the partial ones of its right edge when requested.
 * A partial tile is never hashed into the level above.
 */
export class TileEdge {
  readonly frontier: MerkleFrontier;
  readonly #edge: Buffer[][] = [];
  #full: Tile[] = [];

  /** @param tiles of the tree that grows on; absent for an empty one */
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
    // The frontier counts a leaf once all its subtrees are complete.
    const size = this.frontier.size + 1;
    const index = size / TILE_WIDTH ** (level + 1) - 1;
    this.#full.push({ path: tilePath(level, index), data: Buffer.concat(hashes) });
  }
}
