import { existsSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { VconOtelError } from '../../model/error.ts';
import { makeFolder } from '../../persistence/make-folder.ts';
import { replaceFileSync } from '../../persistence/replace-file.ts';
import { CHECKPOINT_FILE, ROTATIONS_FILE, readText, VERIFIER_KEY_FILE } from '../directory.ts';
import { requireGrown } from '../log/anchor.ts';
import { openCheckpoint, type TreeHead } from '../proof/checkpoint.ts';
import type { Verifier } from '../proof/note.ts';
import { fullPath, TILE_WIDTH, tilePath, writeTiles } from '../proof/tile.ts';
import { TileReader } from '../proof/tile-reader.ts';
import { keptFiles, WITNESSES_FOLDER } from '../witness/witnessing.ts';
import { firstBundle, tiledLog, tiledPaths } from './tiled-log.ts';

/** What was published. */
export interface Publication {
  /** Records that the published checkpoint covers. */
  readonly size: number;
  /** Files written: tiles and entry bundles. */
  readonly written: number;
  /** Deleted: bundles of records that the ledger has deleted, and parts of what is whole by now. */
  readonly deleted: number;
}

/**
 * Brings a folder up to date with a ledger: its newest checkpoint with the tiles and entry bundles that C2SP tlog-tiles asks for, and
 * the verifier key with the changes of it. What is there already stays; the checkpoint comes last, so that a reader always finds what it covers.
 * @param out the folder; made where it is missing
 * @param progress hears of each file that is written
 * @throws VconOtelError `LEDGER_DAMAGED` where something is not what was signed, `LEDGER_ROLLED_BACK` where the ledger has not grown
 * from what the folder has, `FILE_UNUSABLE` if it is the ledger's own
 */
export function publishLog(
  directory: string,
  out: string,
  verifiers: readonly Verifier[],
  progress: (written: number, all: number) => void = () => {},
): Publication {
  makeFolder(out);
  if (realpathSync(out) === realpathSync(directory))
    throw new VconOtelError('FILE_UNUSABLE', 'a ledger is published to another folder: its own has its keys');
  const { note, head } = newestCheckpoint(directory, verifiers);
  const tiles = new TileReader(directory, head.size);
  requireGrown(head.size, () => tiles.sizeRoot(head.size), head, 'the newest checkpoint');
  const before = publishedHead(out);
  if (before) requireGrown(head.size, () => tiles.sizeRoot(before.size), before, 'the published log');
  const isMissing = (path: string) =>
    !existsSync(join(out, path)) && (path === fullPath(path) || !existsSync(join(out, fullPath(path))));
  const all = [...tiledPaths(directory, tiles)].filter(isMissing).length;
  let written = 0;
  for (const tile of tiledLog(directory, tiles, isMissing)) {
    writeTiles(out, [tile]);
    written += 1;
    progress(written, all);
  }
  for (const name of [VERIFIER_KEY_FILE, ROTATIONS_FILE]) {
    const text = readText(join(directory, name));
    if (text !== undefined) replaceFileSync(join(out, name), text);
  }
  publishCosigned(directory, out, verifiers, head.size);
  replaceFileSync(join(out, CHECKPOINT_FILE), note);
  const gone = [...filledSince(before?.size ?? 0, tiles), ...expiredBefore(firstBundle(directory))];
  const deleted = [...new Set(gone)].map((path) => join(out, path)).filter((path) => existsSync(path));
  for (const path of deleted) rmSync(path, { recursive: true });
  return { size: head.size, written, deleted: deleted.length };
}

/** What witnesses have cosigned last, as far as the published checkpoint covers it: they may have cosigned a newer one by now. */
function publishCosigned(directory: string, out: string, verifiers: readonly Verifier[], size: number): void {
  for (const name of keptFiles(directory)) {
    const text = readText(join(directory, name)) ?? '';
    const opened = openCheckpoint(text, verifiers);
    if (opened.state !== 'signed' || opened.head.size > size) continue;
    makeFolder(join(out, WITNESSES_FOLDER));
    replaceFileSync(join(out, name), text);
  }
}

/** The tree head that a folder was published with last. */
function publishedHead(out: string): TreeHead | undefined {
  const opened = openCheckpoint(readText(join(out, CHECKPOINT_FILE)) ?? '', []);
  return 'head' in opened ? opened.head : undefined;
}

/** Where parts are of what is whole by now. */
function filledSince(before: number, tiles: TileReader): string[] {
  const filled: string[] = [];
  for (let level = 0; tiles.width(level) > 0; level += 1) {
    const index = Math.floor(before / TILE_WIDTH ** (level + 1));
    if (tiles.width(level) < (index + 1) * TILE_WIDTH) continue;
    filled.push(`${tilePath(level, index)}.p`);
    if (level === 0) filled.push(`${tilePath('entries', index)}.p`);
  }
  return filled;
}

/** Where bundles may be of which the ledger has deleted records. */
function expiredBefore(first: number): string[] {
  return Array.from({ length: first }, (_, index) => tilePath('entries', index)).flatMap((path) => [
    path,
    `${path}.p`,
  ]);
}

function newestCheckpoint(
  directory: string,
  verifiers: readonly Verifier[],
): { readonly note: string; readonly head: TreeHead } {
  const note = readText(join(directory, CHECKPOINT_FILE));
  if (note === undefined) throw new VconOtelError('LEDGER_DAMAGED', 'there is no checkpoint yet');
  const opened = openCheckpoint(note, verifiers);
  if (opened.state !== 'signed')
    throw new VconOtelError('LEDGER_DAMAGED', 'the newest checkpoint is not signed as it says');
  return { note, head: opened.head };
}
