import { VconOtelError } from '../../model/error.ts';
import { listSegments, recordLines } from '../log/segments.ts';
import { bundleOf } from '../proof/entry-bundle.ts';
import { HASH_BYTES, leafHashOf } from '../proof/merkle.ts';
import { TILE_WIDTH, type Tile, tilePath } from '../proof/tile.ts';
import type { TileReader } from '../proof/tile-reader.ts';

/**
 * The index of the first entry bundle that a ledger can have: of the records in it none was deleted (C2SP tlog-tiles, pruning).
 */
export function firstBundle(directory: string): number {
  return Math.ceil((listSegments(directory)[0]?.first ?? 0) / TILE_WIDTH);
}

/**
 * What C2SP tlog-tiles has published of a ledger beside its checkpoint, in order: the tiles of the tree, then the entry bundles,
 * which are made of its records. Each is checked: it leads to the tree's root, which is the caller's to compare.
 * @param tiles of the tree
 * @param wanted whether a file is; others are not made
 * @throws VconOtelError `LEDGER_DAMAGED` where a tile or a record is not that of this tree
 */
export function* tiledLog(
  directory: string,
  tiles: TileReader,
  wanted: (path: string) => boolean = () => true,
): Generator<Tile> {
  try {
    yield* hashTiles(tiles, wanted);
    yield* bundles(directory, tiles, wanted);
  } catch (error) {
    // The system's errors say what is the matter with a file.
    if (!(error instanceof Error) || 'code' in error) throw error;
    throw damaged(error.message);
  }
}

/** Where the files of {@link tiledLog} are. */
export function* tiledPaths(directory: string, tiles: TileReader): Generator<string> {
  for (let level = 0; tiles.width(level) > 0; level += 1)
    for (const { index, width } of placesOf(tiles.width(level))) yield tilePath(level, index, width);
  const first = firstBundle(directory);
  for (const { index, width } of placesOf(tiles.size))
    if (index >= first) yield tilePath('entries', index, width);
}

function* hashTiles(tiles: TileReader, wanted: (path: string) => boolean): Generator<Tile> {
  for (let level = 0; tiles.width(level) > 0; level += 1)
    for (const { index, width } of placesOf(tiles.width(level))) {
      const path = tilePath(level, index, width);
      if (!wanted(path)) continue;
      if (width === TILE_WIDTH && !tiles.tileRoot(level, index).equals(tiles.hash(level + 1, index)))
        throw damaged(`the tile ${path} does not lead to the one above it`);
      yield { path, data: tiles.tile(level, index) };
    }
}

function* bundles(directory: string, tiles: TileReader, wanted: (path: string) => boolean): Generator<Tile> {
  const first = firstBundle(directory);
  const missing = [...placesOf(tiles.size)].filter(
    ({ index, width }) => index >= first && wanted(tilePath('entries', index, width)),
  );
  const [start] = missing;
  if (!start) return;
  const lines = linesFrom(directory, start.index * TILE_WIDTH);
  let next = start.index;
  for (const { index, width } of missing) {
    for (; next < index; next += 1) take(lines, TILE_WIDTH);
    const entries = take(lines, width);
    next += 1;
    const tile = tiles.tile(0, index);
    const isOfTile = entries.every((entry, i) =>
      tile.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES).equals(leafHashOf(entry)),
    );
    if (!isOfTile || entries.length < width)
      throw damaged(`a record from ${index * TILE_WIDTH} on is missing, or not the one of its tile`);
    yield { path: tilePath('entries', index, width), data: bundleOf(entries) };
  }
}

/** The tiles of a level, or the bundles of as many entries. */
function* placesOf(width: number): Generator<{ readonly index: number; readonly width: number }> {
  for (let index = 0; index * TILE_WIDTH < width; index += 1)
    yield { index, width: Math.min(TILE_WIDTH, width - index * TILE_WIDTH) };
}

/** The lines of the records from one on. */
function* linesFrom(directory: string, seq: number): Generator<Buffer> {
  const segments = listSegments(directory);
  const from = segments.findLastIndex(({ first }) => first <= seq);
  let at = segments[from]?.first ?? 0;
  for (const segment of segments.slice(Math.max(0, from)))
    for (const { text, whole } of recordLines(directory, segment))
      if (whole && at++ >= seq) yield Buffer.from(text);
}

function take(lines: Iterator<Buffer>, count: number): Buffer[] {
  const taken: Buffer[] = [];
  while (taken.length < count) {
    const { value, done } = lines.next();
    if (done) break;
    taken.push(value);
  }
  return taken;
}

function damaged(what: string): VconOtelError {
  return new VconOtelError('LEDGER_DAMAGED', `${what}: vcon-otel audit verify says more`);
}
