import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { VconOtelError } from '../../model/error.ts';
import { CHECKPOINT_FILE, readText } from '../directory.ts';
import { openCheckpoint } from '../proof/checkpoint.ts';
import type { Verifier } from '../proof/note.ts';
import { fullPath, tilePath } from '../proof/tile.ts';
import { TileReader } from '../proof/tile-reader.ts';
import { firstBundle, tiledLog } from '../publish/tiled-log.ts';
import type { LedgerFault } from './verdict.ts';

/** How many records of a ledger the checkpoint in a folder covers, whoever signed it. */
export function publishedSize(out: string): number {
  const opened = openCheckpoint(readText(join(out, CHECKPOINT_FILE)) ?? '', []);
  return 'head' in opened ? opened.head.size : 0;
}

/**
 * Compares what was published of a ledger with the ledger, which was found to be intact: its checkpoint is one of this ledger, and
 * every tile and entry bundle that it covers is there and the same; a bundle of deleted records is not.
 * @returns the first difference
 * @throws VconOtelError `FILE_UNUSABLE` where nothing was published
 */
export function publishedFault(
  directory: string,
  out: string,
  verifiers: readonly Verifier[],
  size: number,
): LedgerFault | undefined {
  const fault = (path: string, reason: string, offset = 0): LedgerFault => ({
    file: relative(directory, join(out, path)),
    offset,
    reason: `the published log is another: ${reason}`,
  });
  const note = readText(join(out, CHECKPOINT_FILE));
  if (note === undefined)
    throw new VconOtelError('FILE_UNUSABLE', `nothing was published in ${out}: there is no checkpoint`);
  const opened = openCheckpoint(note, verifiers);
  if (opened.state !== 'signed') return fault(CHECKPOINT_FILE, 'its checkpoint is not signed by this ledger');
  const { head } = opened;
  if (head.size > size || !new TileReader(directory, head.size).sizeRoot(head.size).equals(head.root))
    return fault(CHECKPOINT_FILE, 'its checkpoint is not of these records');
  for (const { path, data } of tiledLog(directory, new TileReader(directory, head.size))) {
    const found = [path, fullPath(path)].map((one) => join(out, one)).find((one) => existsSync(one));
    if (found === undefined) return fault(path, 'a tile or an entry bundle is missing');
    const bytes = readFileSync(found);
    // Of a whole one, which may be there already, the beginning.
    const same = found.endsWith(path) ? bytes : bytes.subarray(0, data.length);
    if (!same.equals(data)) return fault(path, 'a tile or an entry bundle differs', differsAt(same, data));
  }
  for (let index = 0; index < firstBundle(directory); index += 1) {
    const path = tilePath('entries', index);
    if (existsSync(join(out, path))) return fault(path, 'it has records that the ledger has deleted');
  }
  return undefined;
}

function differsAt(one: Buffer, other: Buffer): number {
  const at = other.findIndex((byte, i) => byte !== one[i]);
  return at === -1 ? other.length : at;
}
