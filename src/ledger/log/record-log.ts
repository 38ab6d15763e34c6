import { join } from 'node:path';
import { DurableFile } from '../../persistence/durable-file.ts';
import { leafHash } from '../proof/merkle.ts';
import type { TileEdge } from '../proof/tile-edge.ts';
import type { RecentIds } from './recent-ids.ts';
import { isRecordable, type LedgerEntry, MAX_RECORD, recordLine } from './record.ts';
import type { LedgerEnd } from './recover.ts';
import { makeSegment } from './segments.ts';

/** When a new segment is due: the old one is too large, or too old. */
export interface SegmentLimits {
  readonly bytes: number;
  /** Milliseconds since its first record. */
  readonly period: number;
}

/** The records of an open ledger and the tree of their hashes: numbers each record, and writes it to a segment. */
export class RecordLog {
  /** The right edge of the tree. */
  readonly edge: TileEdge;
  readonly #directory: string;
  readonly #recent: RecentIds;
  #segment: DurableFile;
  #lastHash: string;
  #lastTime: number;
  /** When the segment's first record was written; 0 if it has none. */
  #segmentTime: number;

  /** @param recent the ids of the latest records */
  constructor(directory: string, end: LedgerEnd, recent: RecentIds) {
    this.edge = end.edge;
    this.#directory = directory;
    this.#recent = recent;
    this.#segment = new DurableFile({ path: join(directory, end.segment.file), end: end.bytes });
    this.#lastHash = end.lastHash;
    this.#lastTime = end.lastTime;
    this.#segmentTime = end.segmentTime;
  }

  /** How many records there are, including those that are no longer kept. */
  get size(): number {
    return this.edge.frontier.size;
  }

  /** When the last record was written, milliseconds since the epoch; 0 if there is none. */
  get lastTime(): number {
    return this.#lastTime;
  }

  /** Whether one of the latest records has this id. */
  has(recordId: string): boolean {
    return this.#recent.has(recordId);
  }

  /**
   * Appends records, all or none. Resolves when they are on disk. One call at a time.
   * @throws RangeError if one of them could not be read again; otherwise the system's error
   */
  async append(entries: readonly LedgerEntry[]): Promise<void> {
    const now = this.#now();
    const { lines, hashes } = this.#place(entries, new Date(now).toISOString());
    await this.#segment.append(lines);
    // Only now is it certain.
    this.#segmentTime ||= now;
    this.#lastTime = now;
    for (const leaf of hashes) this.edge.frontier.push(Buffer.from(leaf, 'hex'));
    this.#lastHash = hashes.at(-1) ?? this.#lastHash;
    for (const { record_id } of entries) this.#recent.add(record_id);
  }

  /** Whether the next record belongs in a new segment. */
  isSegmentDone({ bytes, period }: SegmentLimits): boolean {
    const { end } = this.#segment;
    return end > 0 && (end >= bytes || this.#now() - this.#segmentTime >= period);
  }

  /** Starts a new segment. @throws the system's error; the old segment then stays in use */
  async beginSegment(): Promise<void> {
    const { file } = makeSegment(this.#directory, this.size);
    await this.#segment.close();
    this.#segment = new DurableFile({ path: join(this.#directory, file), end: 0 });
    this.#segmentTime = 0;
  }

  /** @throws FileCutError if acknowledged records are gone from the end of the segment that is open */
  requireWhole(): void {
    this.#segment.requireWhole();
  }

  close(): Promise<void> {
    return this.#segment.close();
  }

  /** Never earlier than the last record, even if the clock is set back. */
  #now(): number {
    return Math.max(Date.now(), this.#lastTime);
  }

  #place(entries: readonly LedgerEntry[], recorded_at: string) {
    const hashes: string[] = [];
    let [lines, prev_hash] = ['', this.#lastHash];
    for (const entry of entries) {
      if (!isRecordable(entry)) throw unreadable();
      const line = recordLine({ ...entry, seq: this.size + hashes.length, prev_hash, recorded_at });
      if (line.length * 3 >= MAX_RECORD && Buffer.byteLength(line) >= MAX_RECORD) throw unreadable();
      prev_hash = leafHash(line);
      hashes.push(prev_hash);
      lines += `${line}\n`;
    }
    return { lines, hashes };
  }
}

function unreadable(): RangeError {
  return new RangeError('the record is not one that could be read again');
}
