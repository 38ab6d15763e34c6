import { dirname, join } from 'node:path';
import { makeFolder } from '../../persistence/make-folder.ts';
import { replaceFileSync } from '../../persistence/replace-file.ts';
import { TILE_HEIGHT } from './merkle.ts';

/** Hashes in a full tile. */
export const TILE_WIDTH = 2 ** TILE_HEIGHT;

/**
 * Where a tile is below the ledger's directory (C2SP tlog-tiles): `tile/<level>/x001/x234/067[.p/<width>]`.
 * @param level of a tile of hashes, or `entries` for an entry bundle
 */
export function tilePath(level: number | 'entries', index: number, width = TILE_WIDTH): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? [];
  const path = groups.map((group, i) => (i === groups.length - 1 ? group : `x${group}`)).join('/');
  return `tile/${level}/${path}${width < TILE_WIDTH ? `.p/${width}` : ''}`;
}

/** Where the full tile is of which that one is a part; the same for a full one. */
export function fullPath(path: string): string {
  return path.split('.p/')[0] ?? path;
}

/** A tile to write. */
export interface Tile {
  readonly path: string;
  readonly data: Buffer;
}

/** Writes tiles below a directory, without waiting for the disk. Whoever reads a tile sees it whole or not at all. */
export function writeTiles(directory: string, tiles: readonly Tile[]): void {
  for (const { path, data } of tiles) {
    const file = join(directory, path);
    try {
      replaceFileSync(file, data, { durable: false });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      makeFolder(dirname(file));
      replaceFileSync(file, data, { durable: false });
    }
  }
}
