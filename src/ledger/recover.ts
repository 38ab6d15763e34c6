import { hash } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { errorType, VconOtelError } from '../model/error.ts';
import { openCheckpoint, type TreeHead } from './checkpoint.ts';
import { HISTORY_FILE, readHistory } from './files.ts';
import { leafHash } from './merkle.ts';
import type { Verifier } from './note.ts';
import { RECENT, type RecentIds } from './recent-ids.ts';
import { MAX_RECORD, NO_HASH, parseLine } from './record.ts';
import { listSegments, readLines, type Segment, segmentAt, syncPath } from './segments.ts';
import { TileEdge, TileReader } from './tiles.ts';

/** Where a ledger stands: all that is needed to write its next record. */
export interface LedgerEnd {
  readonly segment: Segment;
  /** Bytes of the segment that are on the disk and acknowledged. */
  readonly bytes: number;
  readonly edge: TileEdge;
  /** The leaf hash of the last record. */
  readonly lastHash: string;
  /** When the last record was written, and the first one of the segment, in milliseconds since the epoch. */
  readonly lastTime: number;
  readonly segmentTime: number;
  /** The newest checkpoint. */
  readonly head: TreeHead | undefined;
  readonly note: string;
  /** Bytes of the history of checkpoints. */
  readonly historyBytes: number;
  /** What was cut off the end: a record that a crash left unfinished. */
  readonly cut: { readonly bytes: number; readonly hash: string } | undefined;
}

/**
 * Finds the true end of a ledger, makes one where there is none, and mends what a crash leaves: an unfinished record
 * (cut off, and kept in `torn/`) or checkpoint at the end of its file. All else that is wrong is left as it is.
 * @throws VconOtelError `LEDGER_DAMAGED` where records are not what the newest checkpoint says
 */
export function recoverLedger(
  directory: string,
  verifiers: readonly Verifier[],
  recent: RecentIds,
): LedgerEnd {
  const history = lastCheckpoint(directory, verifiers);
  const segments = listSegments(directory);
  const segment = segments.at(-1) ?? firstSegment(directory, history.head);
  const edge = new TileEdge(trustedTiles(directory, segment.first, history.startRoot));
  let lastHash =
    edge.frontier.size === 0
      ? NO_HASH
      : new TileReader(directory, segment.first).hash(0, segment.first - 1).toString('hex');
  rememberIds(directory, segments, recent);
  const path = join(directory, segment.file);
  let [bytes, lastTime, segmentTime] = [0, 0, 0];
  let cut: LedgerEnd['cut'];
  for (const { text, offset, whole } of readLines(path)) {
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
    recent.add(parsed.record.record_id);
    lastTime = Date.parse(parsed.record.recorded_at);
    segmentTime ||= lastTime;
    bytes = offset + text.length + 1;
  }
  if (history.head && edge.frontier.size < history.head.size)
    throw damaged(
      `the newest checkpoint has ${history.head.size} records, of which ${edge.frontier.size} are there`,
    );
  // A process that was killed may have written what is not on the disk yet: that must be there before it is signed, or a
  // repeat of it acknowledged.
  syncPath(path);
  return {
    segment,
    bytes,
    edge,
    lastHash,
    lastTime,
    segmentTime,
    head: history.head,
    note: history.note,
    historyBytes: history.bytes,
    cut,
  };
}

/** Makes a segment's file, and has its name on the disk. @throws where it is there already */
export function makeSegment(directory: string, first: number): Segment {
  const segment = segmentAt(first);
  const folder = join(directory, 'segments');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  closeSync(openSync(join(directory, segment.file), 'wx', 0o600));
  syncPath(folder);
  return segment;
}

function firstSegment(directory: string, head: TreeHead | undefined): Segment {
  if (head && head.size > 0) throw damaged('there are checkpoints, but no records');
  return makeSegment(directory, 0);
}

/** The newest checkpoint, and the one at the start of the last segment. Only these two are relied on, and only they are checked. */
function lastCheckpoint(directory: string, verifiers: readonly Verifier[]) {
  const start = listSegments(directory).at(-1)?.first;
  let [note, bytes, startNote] = ['', 0, ''];
  for (const kept of readHistory(join(directory, HISTORY_FILE))) {
    // What a crash left unfinished is written over.
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
    head: ownHead(note, verifiers),
    startRoot: ownHead(startNote, verifiers)?.root,
  };
}

/** @throws VconOtelError `KEY_INVALID`, `LEDGER_DAMAGED` */
function ownHead(note: string, verifiers: readonly Verifier[]): TreeHead | undefined {
  if (note === '') return undefined;
  const opened = openCheckpoint(note, verifiers);
  if (!('head' in opened)) throw damaged('the signature of a checkpoint is wrong');
  if (opened.state === 'signed') return opened.head;
  throw new VconOtelError('KEY_INVALID', 'the ledger was signed with another key, or has another origin');
}

/** The tiles of the records before the last segment, if they lead to the root that was signed there. */
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

/** The ids of the segments before the last one, as far as they are remembered. */
function rememberIds(directory: string, segments: readonly Segment[], recent: RecentIds): void {
  const last = segments.at(-1)?.first ?? 0;
  const from = segments.findLastIndex(({ first }) => first <= last - RECENT);
  for (const { file } of segments.slice(Math.max(0, from), -1))
    for (const { text } of readLines(join(directory, file))) {
      // Whether they are as they were is for `audit verify` to say.
      const [, id] = /"record_id":"([^"\\]+)"/.exec(text.toString()) ?? [];
      if (id !== undefined) recent.add(id);
    }
}

function cutTail(directory: string, { first, file }: Segment, offset: number): LedgerEnd['cut'] {
  const path = join(directory, file);
  const tail = readFileSync(path).subarray(offset);
  mkdirSync(join(directory, 'torn'), { recursive: true, mode: 0o700 });
  writeFileSync(join(directory, 'torn', `${first}-${offset}-${Date.now()}`), tail, {
    mode: 0o600,
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
  return new VconOtelError('LEDGER_DAMAGED', `${what}: vcon-otel audit verify tells more`);
}
