import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { listSegments, recordLines, SEGMENTS_FOLDER } from '../log/segments.ts';
import { entriesOf } from '../proof/entry-bundle.ts';
import { TILE_WIDTH, tilePath } from '../proof/tile.ts';
import { MAX_BUNDLE, type WatchedPlace } from './watched-place.ts';

/** The records of a place, one at a time. */
export interface PlacedRecords {
  /** The first that there should be; those before it have expired. Undefined where nothing says which that is. */
  readonly first: number | undefined;
  /** A record; undefined where it is not there, empty where what is there holds none. @throws as `WatchedPlace.read` */
  at(index: number): Promise<Buffer | undefined>;
}

/** By the ledger's own files where it has them, else by entry bundles (C2SP tlog-tiles), of a tree of that size. */
export function recordsAt(place: WatchedPlace, size: number): PlacedRecords {
  const { directory } = place;
  if (directory !== undefined && existsSync(join(directory, SEGMENTS_FOLDER))) return ownRecords(directory);
  return { first: undefined, at: (index) => bundled(place, index, size) };
}

function ownRecords(directory: string): PlacedRecords {
  return {
    first: listSegments(directory)[0]?.first ?? 0,
    async at(index) {
      const segment = listSegments(directory).findLast(({ first }) => first <= index);
      if (!segment) return undefined;
      let at = segment.first;
      for (const { text, whole } of recordLines(directory, segment))
        if (at++ === index) return whole ? Buffer.from(text) : Buffer.alloc(0);
      return undefined;
    },
  };
}

async function bundled(place: WatchedPlace, index: number, size: number): Promise<Buffer | undefined> {
  const bundle = Math.floor(index / TILE_WIDTH);
  const width = Math.min(TILE_WIDTH, size - bundle * TILE_WIDTH);
  const bytes =
    (await place.read(tilePath('entries', bundle, width), MAX_BUNDLE)) ??
    (width === TILE_WIDTH ? undefined : await place.read(tilePath('entries', bundle), MAX_BUNDLE));
  return bytes && (entriesOf(bytes)?.[index % TILE_WIDTH] ?? Buffer.alloc(0));
}
