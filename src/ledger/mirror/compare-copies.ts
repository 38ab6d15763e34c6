import { join } from 'node:path';
import { CHECKPOINT_FILE, HISTORY_FILE } from '../directory.ts';
import { listSegments } from '../log/segments.ts';
import { openCheckpoint, type TreeHead } from '../proof/checkpoint.ts';
import type { Verifier } from '../proof/note.ts';
import { fullPath } from '../proof/tile.ts';
import { afterLines, CHUNK, chunkAt } from './local-file.ts';
import { type MirrorPlace, textIn } from './place.ts';

/** Where two copies of a ledger differ first. */
export interface Difference {
  readonly file: string;
  /** The byte from which on they differ. */
  readonly offset: number;
  /** The record, if it is one. */
  readonly seq?: number;
}

/** What a ledger and its mirror are to each other. */
export interface Compared {
  /**
   * - `same`: each has what the other has signed, and no more
   * - `behind`: the mirror is yet to get what came since its checkpoint
   * - `ahead`: the mirror has a checkpoint of more records than the ledger: the ledger was set back
   * - `differs`: they have other records, tiles or checkpoints
   * - `foreign`: nobody whose key is known has signed the mirror's checkpoint
   * - `empty`: the mirror has no checkpoint
   */
  readonly state: 'same' | 'behind' | 'ahead' | 'differs' | 'foreign' | 'empty';
  /** Records that the checkpoints of both cover. */
  readonly signed: number;
  readonly mirrored: number;
  readonly difference?: Difference;
  /** The mirror's checkpoint, where a known key has signed it. */
  readonly head?: TreeHead;
}

/**
 * Compares a ledger with its mirror byte by byte, as far as both are signed. Whether either is what was signed is another question (`verifyLedger`).
 * @throws the place's error, or the system's
 */
export async function compareCopies(
  directory: string,
  place: MirrorPlace,
  verifiers: readonly Verifier[],
): Promise<Compared> {
  const theirs = openCheckpoint((await textIn(place, CHECKPOINT_FILE)) ?? '', verifiers);
  const text = await chunkAt(join(directory, CHECKPOINT_FILE), 0).catch(() => Buffer.alloc(0));
  const ours = openCheckpoint(text.toString(), []);
  const signed = 'head' in ours ? ours.head.size : 0;
  const mirrored = 'head' in theirs ? theirs.head.size : 0;
  const sizes = { signed, mirrored };
  if (theirs.state === 'malformed') return { state: 'empty', ...sizes };
  if (theirs.state !== 'signed') return { state: 'foreign', ...sizes };
  const difference =
    (await differentRecord(directory, place, Math.min(signed, mirrored))) ??
    (await differentFile(directory, place)) ??
    differentRoot(ours, theirs.head);
  const { head } = theirs;
  if (difference) return { state: 'differs', ...sizes, difference, head };
  return { state: signed === mirrored ? 'same' : signed > mirrored ? 'behind' : 'ahead', ...sizes, head };
}

/** @param size records that both have signed */
async function differentRecord(
  directory: string,
  place: MirrorPlace,
  size: number,
): Promise<Difference | undefined> {
  for (const { first, file } of listSegments(directory)) {
    let [bytes, seq] = [0, first];
    while (seq < size) {
      const chunk = await chunkAt(join(directory, file), bytes);
      const { end, lines } = afterLines(chunk, size - seq);
      if (lines === 0) break;
      const ours = chunk.subarray(0, end);
      const theirs = (await place.read(file, bytes, end)) ?? Buffer.alloc(0);
      if (!theirs.equals(ours)) {
        const same = commonLength(ours, theirs);
        const before = afterLines(ours.subarray(0, same), Number.POSITIVE_INFINITY);
        return { file, offset: bytes + before.end, seq: seq + before.lines };
      }
      bytes += end;
      seq += lines;
    }
  }
  return undefined;
}

/** Full tiles, and the history of checkpoints, as far as both have them. */
async function differentFile(directory: string, place: MirrorPlace): Promise<Difference | undefined> {
  for (const [name] of await place.list('tile')) {
    if (name !== fullPath(name)) continue;
    const ours = await chunkAt(join(directory, name), 0).catch(() => undefined);
    const theirs = await place.read(name);
    if (ours && theirs && !ours.equals(theirs)) return { file: name, offset: commonLength(ours, theirs) };
  }
  for (let at = 0; ; ) {
    const ours = await chunkAt(join(directory, HISTORY_FILE), at).catch(() => Buffer.alloc(0));
    const theirs = (await place.read(HISTORY_FILE, at, CHUNK)) ?? Buffer.alloc(0);
    const both = Math.min(ours.length, theirs.length);
    if (both === 0) return undefined;
    const same = commonLength(ours, theirs);
    if (same < both) return { file: HISTORY_FILE, offset: at + same };
    at += both;
  }
}

function differentRoot(ours: ReturnType<typeof openCheckpoint>, theirs: TreeHead): Difference | undefined {
  const isOther = 'head' in ours && ours.head.size === theirs.size && !ours.head.root.equals(theirs.root);
  return isOther ? { file: CHECKPOINT_FILE, offset: 0 } : undefined;
}

function commonLength(one: Buffer, other: Buffer): number {
  const both = Math.min(one.length, other.length);
  if (one.subarray(0, both).equals(other.subarray(0, both))) return both;
  let at = 0;
  while (one[at] === other[at]) at += 1;
  return at;
}
