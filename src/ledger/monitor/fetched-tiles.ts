import { HASH_BYTES } from '../proof/merkle.ts';
import { TILE_WIDTH } from '../proof/tile.ts';
import { TileReader } from '../proof/tile-reader.ts';
import { Noticed } from './monitor-finding.ts';
import type { WatchedPlace } from './watched-place.ts';

/** The tree of a given size by the tiles of a place, of which those are fetched that are needed. */
export class FetchedTiles {
  readonly #place: WatchedPlace;
  readonly #size: number;
  readonly #kept = new Map<string, Buffer>();

  constructor(place: WatchedPlace, size: number) {
    this.#place = place;
    this.#size = size;
  }

  /**
   * What the tiles say. The work is done anew whenever a tile has come that it lacked.
   * @throws Noticed where a tile is missing, or none; as `WatchedPlace.read`
   */
  async say<T>(work: (tiles: TileReader) => T): Promise<T> {
    for (;;) {
      const tiles = new TileReader((full, partial) => {
        const kept = this.#kept.get(full);
        if (!kept) throw new Lacking(full, partial);
        return kept;
      }, this.#size);
      try {
        return work(tiles);
      } catch (error) {
        if (!(error instanceof Lacking))
          throw new Noticed('TILES_DAMAGED', `the tile ${(error as Error).message}`);
        this.#kept.set(error.full, await this.#fetch(error));
      }
    }
  }

  async #fetch({ full, partial }: Lacking): Promise<Buffer> {
    // A partial tile may be deleted once it is full.
    const tile =
      (await this.#place.read(partial, TILE_BYTES)) ??
      (partial === full ? undefined : await this.#place.read(full, TILE_BYTES));
    if (tile) return tile;
    throw new TileGone(full);
  }
}

/** A tile is not there: of a ledger that grows, perhaps not any more. */
export class TileGone extends Noticed {
  constructor(path: string) {
    super('TILES_DAMAGED', `the tile ${path} is missing`);
  }
}

/** A tile that has yet to be fetched. */
class Lacking extends Error {
  readonly full: string;
  readonly partial: string;

  constructor(full: string, partial: string) {
    super();
    this.full = full;
    this.partial = partial;
  }
}

/** Bytes of a full tile. */
const TILE_BYTES = TILE_WIDTH * HASH_BYTES;
