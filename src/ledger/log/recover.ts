import { hash } from 'node:crypto';
import { closeSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorType, VconOtelError } from '../../model/error.ts';
import { makeFolder } from '../../persistence/make-folder.ts';
import { PRIVATE_FILE } from '../../persistence/private-file.ts';
import { syncFileSync } from '../../persistence/sync-path.ts';
import { CHECKPOINT_FILE, HISTORY_FILE, readText, VERIFIER_KEY_FILE } from '../directory.ts';
import { rotationsIn } from '../keys/key-rotation.ts';
import { isSameHead, openCheckpoint, type TreeHead } from '../proof/checkpoint.ts';
import { readHistory } from '../proof/checkpoint-history.ts';
import { leafHash } from '../proof/merkle.ts';
import type { Verifier } from '../proof/note.ts';
import { TileEdge } from '../proof/tile-edge.ts';
import { TileReader } from '../proof/tile-reader.ts';
import { requireGrown } from './anchor.ts';
import type { RotationRecord } from './own-keys.ts';
import { RECENT, type RecentIds } from './recent-ids.ts';
import { MAX_RECORD, NO_HASH, parseLine } from './record.ts';
import { listSegments, makeSegment, recordLines, type Segment } from './segments.ts';

/** The end of a ledger: everything needed to write its next record. */
export interface LedgerEnd {
  readonly segment: Segment;
  /** How many bytes of the segment are valid. */
  readonly bytes: number;
  readonly edge: TileEdge;
  /** The leaf hash of the last record. */
  readonly lastHash: string;
  /** When the last record and the segment's first one were written, in milliseconds since the epoch. */
  readonly lastTime: number;
  readonly segmentTime: number;
  /** The newest checkpoint. */
  readonly head: TreeHead | undefined;
  /** Its text; empty where there is none. */
  readonly note: string;
  /** The same, where the file of the newest checkpoint does not have it. */
  readonly unwritten: string | undefined;
  /** Bytes of the history of checkpoints. */
  readonly historyBytes: number;
  /** What was cut off the end: a record that a crash had left unfinished. */
  /** A change of keys that may not be finished: no other proves it. */
  readonly rotation: RotationRecord | undefined;
  readonly cut: { readonly bytes: number; readonly hash: string } | undefined;
}

/**
 * Finds the end of a ledger, or creates the ledger. Repairs what a crash leaves at the end of a file: an unfinished record
 * (cut off, and kept in `torn/`) or checkpoint. Any other damage is left alone.
 * @param anchored a checkpoint of it that was kept elsewhere
 * @throws VconOtelError `LEDGER_DAMAGED` if the records are not those of the newest checkpoint, `LEDGER_ROLLED_BACK` if it has
 * not grown from the one kept elsewhere
 */
export function recoverLedger(
  directory: string,
  verifiers: readonly Verifier[],
  recent: RecentIds,
  anchored?: TreeHead,
): LedgerEnd {
  const history = lastCheckpoint(directory, verifiers);
  const isWritten = isNewest(directory, history.head, verifiers);
  const segments = listSegments(directory);
  if (anchored && anchored.size > 0 && segments.length === 0) requireGrown(0, noRoot, anchored);
  const segment = segments.at(-1) ?? firstSegment(directory, history.head);
  const before = trustedTiles(directory, segment.first, history.startRoot);
  if (before && anchored && anchored.size <= before.size)
    requireGrown(before.size, () => before.sizeRoot(anchored.size), anchored);
  const edge = new TileEdge(before);
  let lastHash =
    edge.frontier.size === 0
      ? NO_HASH
      : new TileReader(directory, segment.first).hash(0, segment.first - 1).toString('hex');
  rememberIds(directory, segments, recent);
  const path = join(directory, segment.file);
  let [bytes, lastTime, segmentTime] = [0, 0, 0];
  let cut: LedgerEnd['cut'];
  let rotation: RotationRecord | undefined;
  for (const { text, offset, whole } of recordLines(directory, segment)) {
    if (!whole) {
      if (text.length >= MAX_RECORD)
        throw damaged(`a line of ${segment.file} is too long, at byte ${offset}`);
      cut = cutTail(directory, segment, offset);
      break;
    }
    const line = text.toString();
    const parsed = parseLine(line);
    const seq = edge.frontier.size;
    if (!('record' in parsed))
      throw damaged(`record ${seq} ${parsed.fault}, in ${segment.file} at byte ${offset}`);
    if (parsed.record.seq !== seq || parsed.record.prev_hash !== lastHash)
      throw damaged(`record ${seq} does not follow the one before it, in ${segment.file} at byte ${offset}`);
    lastHash = leafHash(line);
    edge.frontier.push(Buffer.from(lastHash, 'hex'));
    if (edge.frontier.size === history.head?.size && !edge.frontier.root().equals(history.head.root))
      throw damaged(`the records before ${edge.frontier.size} are not those of the checkpoint`);
    if (edge.frontier.size === anchored?.size)
      requireGrown(anchored.size, () => edge.frontier.root(), anchored);
    recent.add(parsed.record.record_id);
    if (parsed.record.event === 'key_rotated') rotation = parsed.record;
    lastTime = Date.parse(parsed.record.recorded_at);
    segmentTime ||= lastTime;
    bytes = offset + text.length + 1;
  }
  if (history.head && edge.frontier.size < history.head.size)
    throw damaged(
      `the newest checkpoint has ${history.head.size} records, of which ${edge.frontier.size} are there`,
    );
  if (anchored && anchored.size > edge.frontier.size) requireGrown(edge.frontier.size, noRoot, anchored);
  // A killed process may have written records that are not on disk yet. They must be before they are signed, or before a
  // repeat of them is acknowledged.
  syncFileSync(path);
  return {
    segment,
    bytes,
    edge,
    lastHash,
    lastTime,
    segmentTime,
    head: history.head,
    note: history.note,
    unwritten: isWritten ? undefined : history.note,
    historyBytes: history.bytes,
    cut,
    rotation: rotation && rotation.seq > (rotationsIn(directory).at(-1)?.seq ?? -1) ? rotation : undefined,
  };
}

/** Stands for a root that nobody asks for. */
function noRoot(): never {
  throw new RangeError('there is no root');
}

/**
 * Whether the file of the newest checkpoint has it; others may have signed it there, too.
 * @throws VconOtelError `LEDGER_DAMAGED` if it has a newer one, which the history had before
 */
function isNewest(directory: string, head: TreeHead | undefined, verifiers: readonly Verifier[]): boolean {
  const opened = openCheckpoint(readText(join(directory, CHECKPOINT_FILE)) ?? '', verifiers);
  if (opened.state !== 'signed') return head === undefined;
  if (opened.head.size > (head?.size ?? 0))
    throw damaged(`${HISTORY_FILE} ends before the newest checkpoint, of ${opened.head.size} records`);
  return head !== undefined && isSameHead(opened.head, head);
}

function firstSegment(directory: string, head: TreeHead | undefined): Segment {
  if (head && head.size > 0) throw damaged('there are checkpoints, but no records');
  return makeSegment(directory, 0);
}

/** The newest checkpoint, and the one at the start of the last segment. Only these two are relied on, so only they are checked. */
function lastCheckpoint(directory: string, verifiers: readonly Verifier[]) {
  const start = listSegments(directory).at(-1)?.first;
  let [note, bytes, startNote] = ['', 0, ''];
  for (const kept of readHistory(join(directory, HISTORY_FILE))) {
    // An unfinished checkpoint will be overwritten.
    if (!kept.whole) break;
    const opened = openCheckpoint(kept.note, []);
    if (!('head' in opened)) throw damaged(`a checkpoint is not one, at byte ${kept.offset}`);
    note = kept.note;
    bytes = kept.offset + Buffer.byteLength(note);
    if (opened.head.size === start) startNote = note;
  }
  return {
    note,
    bytes,
    head: ownHead(directory, note, verifiers),
    startRoot: ownHead(directory, startNote, verifiers)?.root,
  };
}

/** @throws VconOtelError `KEY_INVALID`, `LEDGER_DAMAGED` */
function ownHead(directory: string, note: string, verifiers: readonly Verifier[]): TreeHead | undefined {
  if (note === '') return undefined;
  const opened = openCheckpoint(note, verifiers);
  if (!('head' in opened)) throw damaged('the signature of a checkpoint is wrong');
  if (opened.state === 'signed') return opened.head;
  if (wasOpenedBy(directory, verifiers))
    throw damaged('a checkpoint is not signed with the key of the ledger');
  throw new VconOtelError('KEY_INVALID', 'the ledger was signed with another key, or has another origin');
}

/** Whether the one who opened it last had one of these keys. */
function wasOpenedBy(directory: string, verifiers: readonly Verifier[]): boolean {
  const vkey = readText(join(directory, VERIFIER_KEY_FILE)) ?? '';
  return verifiers.some(({ name, id }) => vkey.startsWith(`${name}+${id}+`));
}

/** The tiles of the records before the last segment, if they lead to the root signed there. */
function trustedTiles(directory: string, size: number, root: Buffer | undefined): TileReader | undefined {
  if (size === 0) return undefined;
  try {
    const tiles = new TileReader(directory, size);
    if (root && new TileEdge(tiles).frontier.root().equals(root)) return tiles;
  } catch (error) {
    throw damaged(`tiles of the records before ${size} cannot be read (${errorType(error)})`);
  }
  throw damaged(`the tiles of the records before ${size} are not those of a checkpoint`);
}

/** Remembers the ids in the segments before the last one, as many as there is room for. */
function rememberIds(directory: string, segments: readonly Segment[], recent: RecentIds): void {
  const last = segments.at(-1)?.first ?? 0;
  const from = segments.findLastIndex(({ first }) => first <= last - RECENT);
  for (const segment of segments.slice(Math.max(0, from), -1))
    for (const { text } of recordLines(directory, segment)) {
      // `audit verify` checks whether they are unchanged.
      const [, id] = /"record_id":"([^"\\]+)"/.exec(text.toString()) ?? [];
      if (id !== undefined) recent.add(id);
    }
}

function cutTail(directory: string, { first, file }: Segment, offset: number): LedgerEnd['cut'] {
  const path = join(directory, file);
  const tail = readFileSync(path).subarray(offset);
  makeFolder(join(directory, 'torn'));
  writeFileSync(join(directory, 'torn', `${first}-${offset}-${Date.now()}`), tail, {
    mode: PRIVATE_FILE,
    flush: true,
  });
  const handle = openSync(path, 'r+');
  try {
    ftruncateSync(handle, offset);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  return { bytes: tail.length, hash: hash('sha256', tail, 'hex') };
}

function damaged(what: string): VconOtelError {
  return new VconOtelError('LEDGER_DAMAGED', `${what}: vcon-otel audit verify says more`);
}
