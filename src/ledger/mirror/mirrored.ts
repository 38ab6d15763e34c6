import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { CHECKPOINT_FILE, HISTORY_FILE } from '../directory.ts';
import { requireGrown } from '../log/anchor.ts';
import { listSegments, SEGMENTS_FOLDER, type Segment } from '../log/segments.ts';
import { openCheckpoint, type TreeHead } from '../proof/checkpoint.ts';
import { readHistory } from '../proof/checkpoint-history.ts';
import type { Verifier } from '../proof/note.ts';
import { TileReader } from '../proof/tile-reader.ts';
import { afterLines, CHUNK, chunkAt } from './local-file.ts';
import { type MirrorPlace, textIn } from './place.ts';

/** The mirror is not one of this ledger as it is: nothing in it is overwritten. */
export class MirrorDiffers extends Error {}

/** What a mirror has by now. */
export interface Mirrored {
  /** Records of its newest checkpoint. */
  readonly size: number;
  /** Its text; empty where there is none. */
  readonly checkpoint: string;
  /** The next record that it lacks, and where that goes. */
  readonly next: NextRecord;
  /** Bytes of its history of checkpoints. */
  readonly history: number;
  /** The first record of each of its segments. */
  readonly segments: ReadonlySet<number>;
}

/** Where a mirror's next record goes. */
export interface NextRecord {
  /** The first record of its segment. */
  readonly first: number;
  readonly bytes: number;
  readonly seq: number;
}

/** The newest whole checkpoint in a ledger's own history. */
async function newestHead(directory: string, origin: string): Promise<TreeHead | undefined> {
  let newest: TreeHead | undefined;
  let count = 0;
  for (const { note, whole } of readHistory(join(directory, HISTORY_FILE))) {
    const opened = whole ? openCheckpoint(note, []) : undefined;
    if (opened && 'head' in opened && opened.head.origin === origin) newest = opened.head;
    count += 1;
    if (count % NOTES_AT_ONCE === 0) await setImmediate();
  }
  return newest;
}

/**
 * Compares a mirror with the ledger, as far as that tells whether the ledger can go on in it: its newest checkpoint, the segment and the end of the
 * history that are being written, and which segments there are. What a copy that was broken off has left behind its newest checkpoint may be another.
 * @param own of the ledger's keys
 * @throws VconOtelError `LEDGER_ROLLED_BACK` where the mirror has a checkpoint of this ledger's key that it has not grown from;
 * MirrorDiffers where it is the mirror that is not what it was; the place's own error
 */
export async function compareMirror(
  directory: string,
  place: MirrorPlace,
  own: readonly Verifier[],
  origin: string,
): Promise<Mirrored> {
  const checkpoint = (await textIn(place, CHECKPOINT_FILE)) ?? '';
  const mirrored = mirroredHead(checkpoint, own, origin);
  const size = mirrored?.size ?? 0;
  if (mirrored) {
    const newest = (await newestHead(directory, origin))?.size ?? 0;
    const tiles = new TileReader(directory, newest);
    requireGrown(newest, () => tiles.sizeRoot(mirrored.size), mirrored, 'the mirror');
  }
  const there = await segmentsIn(place);
  const segments = listSegments(directory);
  const current = segments.findLast(({ first }) => first <= size);
  for (const { first, file } of segments) {
    if (!current || first >= current.first) break;
    const bytes = there.get(first);
    if (bytes !== (await stat(join(directory, file))).size)
      throw new MirrorDiffers(
        bytes === undefined
          ? `it lacks ${file}, which its checkpoint covers`
          : `${file} has another length there`,
      );
  }
  // Records of the mirror's last checkpoint may have expired here while it was away.
  const [oldest] = segments;
  const next = current
    ? await nextRecord(directory, place, current, size)
    : { first: oldest?.first ?? 0, bytes: 0, seq: oldest?.first ?? 0 };
  const history = await historyBytes(directory, place, size);
  return { size, checkpoint, next, history, segments: new Set(there.keys()) };
}

/** What the newest checkpoint of a mirror says. @throws MirrorDiffers where somebody else has signed it */
function mirroredHead(note: string, own: readonly Verifier[], origin: string): TreeHead | undefined {
  if (note === '') return undefined;
  const opened = openCheckpoint(note, own);
  if (opened.state !== 'signed' || opened.head.origin !== origin)
    throw new MirrorDiffers('its checkpoint was not signed by this ledger');
  return opened.head;
}

async function segmentsIn(place: MirrorPlace): Promise<Map<number, number>> {
  const found = new Map<number, number>();
  for (const [name, bytes] of await place.list(SEGMENTS_FOLDER)) {
    const [, first] = /\/(\d{20})\.jsonl$/.exec(name) ?? [];
    if (first !== undefined) found.set(Number(first), bytes);
  }
  return found;
}

/**
 * Compares the segment that was being mirrored.
 * @param size records that the mirror's checkpoint covers
 * @returns where they end: whatever was copied after that is copied again
 */
async function nextRecord(
  directory: string,
  place: MirrorPlace,
  { first, file }: Segment,
  size: number,
): Promise<NextRecord> {
  const path = join(directory, file);
  let [bytes, seq] = [0, first];
  while (seq < size) {
    const ours = await chunkAt(path, bytes);
    const { end, lines } = afterLines(ours, size - seq);
    if (lines === 0) throw new Error('the ledger lacks records that a checkpoint covers');
    await requireSame(place, file, { first, bytes, seq }, ours.subarray(0, end));
    bytes += end;
    seq += lines;
  }
  if (size > 0) return { first, bytes, seq };
  const theirs = (await place.read(file, 0, CHUNK)) ?? Buffer.alloc(0);
  const ours = await chunkAt(path, 0);
  const common = Math.min(ours.length, theirs.length);
  if (!ours.subarray(0, common).equals(theirs.subarray(0, common)))
    throw new MirrorDiffers('it has other records, and no checkpoint that says of what');
  return { first, bytes, seq };
}

async function requireSame(
  place: MirrorPlace,
  file: string,
  { bytes, seq }: NextRecord,
  ours: Buffer,
): Promise<void> {
  const theirs = (await place.read(file, bytes, ours.length)) ?? Buffer.alloc(0);
  if (theirs.equals(ours)) return;
  let same = 0;
  while (same < theirs.length && theirs[same] === ours[same]) same += 1;
  const record = seq + afterLines(ours.subarray(0, same), Number.POSITIVE_INFINITY).lines;
  throw new MirrorDiffers(
    same < theirs.length
      ? `record ${record} is another there, in ${file}`
      : `it lacks record ${record}, which its checkpoint covers`,
  );
}

/** Where the mirror's newest checkpoint ends in the history; whatever was copied after that is copied again. */
async function historyBytes(directory: string, place: MirrorPlace, size: number): Promise<number> {
  if (size === 0) return 0;
  const path = join(directory, HISTORY_FILE);
  let [covered, before, count] = [0, 0, 0];
  for (const { note, offset, whole } of readHistory(path)) {
    const opened = whole ? openCheckpoint(note, []) : undefined;
    if (!opened || !('head' in opened) || opened.head.size > size) break;
    before = covered;
    covered = offset + Buffer.byteLength(note);
    count += 1;
    if (count % NOTES_AT_ONCE === 0) await setImmediate();
  }
  // The last of them: a change further up shows when the mirror is verified.
  const theirs = (await place.read(HISTORY_FILE, before, covered - before)) ?? Buffer.alloc(0);
  if (!theirs.equals(await chunkAt(path, before, covered - before)))
    throw new MirrorDiffers('its history of checkpoints is another');
  return covered;
}

/** Checkpoints that are read before others have their turn. */
const NOTES_AT_ONCE = 1_000;
