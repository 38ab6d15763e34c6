import { join } from 'node:path';
import { VconOtelError } from '../../model/error.ts';
import { CHECKPOINT_FILE, readText } from '../directory.ts';
import { openCheckpoint, type TreeHead } from '../proof/checkpoint.ts';
import { notesOf } from '../proof/checkpoint-history.ts';
import { consistencyProof, isConsistent } from '../proof/consistency.ts';
import type { Verifier } from '../proof/note.ts';
import { TileReader } from '../proof/tile-reader.ts';
import type { LedgerState } from './verdict.ts';

/** A ledger at some time: how many records it had, of which the tiles say what they were, or the text of a signed checkpoint. */
export type LedgerThen = number | string;

/** That a ledger has grown from what it was, or why that cannot be said. */
export type GrowthProof =
  | {
      readonly verdict: 'intact';
      readonly old: TreeHead;
      readonly grown: TreeHead;
      /** RFC 6962 §2.1.2. */
      readonly proof: readonly Buffer[];
    }
  | { readonly verdict: Exclude<LedgerState, 'intact'>; readonly reason: string };

/**
 * Proves by the tiles of a ledger that one tree has grown from another, and checks the proof as whoever gets it would.
 * @param grown absent for the newest checkpoint
 * @throws VconOtelError `LEDGER_DAMAGED` where one of them is no checkpoint; the system's error
 */
export function proveGrowth(
  directory: string,
  verifiers: readonly Verifier[],
  old: LedgerThen,
  grown?: LedgerThen,
): GrowthProof {
  const newest = headOf(readText(join(directory, CHECKPOINT_FILE)) ?? '', verifiers);
  if ('reason' in newest) return newest;
  const tiles = new TileReader(directory, newest.size);
  const [before, after] = [old, grown ?? newest].map((then) =>
    typeof then === 'string'
      ? headOf(then, verifiers)
      : typeof then === 'number'
        ? sized(tiles, then, newest)
        : then,
  );
  if (!before || !after) return { verdict: 'tampered', reason: 'there is nothing to compare' };
  if ('reason' in before) return before;
  if ('reason' in after) return after;
  if (before.size > after.size)
    return { verdict: 'rolled_back', reason: `${after.size} records are fewer than ${before.size}` };
  if (after.size > newest.size) return few(after.size, newest.size);
  return compared(tiles, before, after);
}

function compared(tiles: TileReader, old: TreeHead, grown: TreeHead): GrowthProof {
  try {
    if (!tiles.sizeRoot(grown.size).equals(grown.root))
      return {
        verdict: 'tampered',
        reason: `the tiles are not those of the checkpoint of ${grown.size} records`,
      };
    const proof = consistencyProof(old.size, grown.size, (start, end) => tiles.root(start, end));
    if (isConsistent(old, grown, proof)) return { verdict: 'intact', old, grown, proof };
  } catch (error) {
    if (!(error instanceof Error) || 'code' in error) throw error;
    return { verdict: 'tampered', reason: `a tile is not there: ${error.message}` };
  }
  const reason = `the ledger of ${grown.size} records has not grown from that of ${old.size}`;
  return { verdict: 'rolled_back', reason };
}

/** What the tiles say of the first records. */
function sized(tiles: TileReader, size: number, newest: TreeHead): TreeHead | Refusal {
  if (size > newest.size) return few(size, newest.size);
  try {
    return { origin: newest.origin, size, root: tiles.sizeRoot(size) };
  } catch (error) {
    if (!(error instanceof Error) || 'code' in error) throw error;
    return { verdict: 'tampered', reason: `a tile is not there: ${error.message}` };
  }
}

type Refusal = Extract<GrowthProof, { readonly reason: string }>;

function few(size: number, signed: number): Refusal {
  return { verdict: 'rolled_back', reason: `${signed} records are signed here, not ${size}` };
}

/** The newest checkpoint of a text, which a given key must have signed. */
function headOf(text: string, verifiers: readonly Verifier[]): TreeHead | Refusal {
  const note = notesOf(text).at(-1) ?? '';
  const opened = openCheckpoint(note, verifiers);
  if (opened.state === 'signed') return opened.head;
  if (opened.state === 'malformed') throw new VconOtelError('LEDGER_DAMAGED', 'this is no checkpoint');
  return opened.state === 'forged'
    ? { verdict: 'bad_signature', reason: 'the signature of a checkpoint does not verify' }
    : { verdict: 'unknown_key', reason: 'a checkpoint has no signature of a given key' };
}
