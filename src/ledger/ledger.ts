import { statSync } from 'node:fs';
import { join } from 'node:path';
import { errorType, VconOtelError } from '../model/error.ts';
import { Checkpointer } from './checkpointer.ts';
import { CHECKPOINT_FILE, readText, replaceAtOnce, VERIFIER_KEY_FILE } from './files.ts';
import type { LedgerSettings } from './ledger-settings.ts';
import { lockLedger } from './lock.ts';
import { parseVerifierKey } from './note.ts';
import { placeEntries, type Waiting } from './place.ts';
import { RecentIds } from './recent-ids.ts';
import type { LedgerEntry } from './record.ts';
import { type LedgerEnd, makeSegment, recoverLedger } from './recover.ts';
import { expireSegments } from './retention.ts';
import { SegmentFile } from './segment-file.ts';
import { doneRequest, openRequests } from './shred.ts';

/**
 * Opens a ledger, or makes one. Holds it until it is closed.
 * @throws VconOtelError `LEDGER_IN_USE`, `LEDGER_DAMAGED`, `KEY_INVALID` where it was signed with another key
 */
export function openLedger(settings: LedgerSettings): Ledger {
  const { directory, signer, notice } = settings;
  const release = lockLedger(directory);
  try {
    const recent = new RecentIds();
    const end = recoverLedger(directory, [parseVerifierKey(signer.vkey)], recent);
    if (end.head && readText(join(directory, CHECKPOINT_FILE)) !== end.note)
      replaceAtOnce(join(directory, CHECKPOINT_FILE), end.note);
    if (readText(join(directory, VERIFIER_KEY_FILE)) !== `${signer.vkey}\n`)
      replaceAtOnce(join(directory, VERIFIER_KEY_FILE), `${signer.vkey}\n`);
    if (end.cut)
      notice(
        'torn',
        `the ledger ended with ${end.cut.bytes} bytes of an unfinished record: cut off, and kept in torn/`,
      );
    const unsigned = end.edge.frontier.size - (end.head?.size ?? 0);
    if (unsigned > 0)
      notice(
        'unsigned',
        `the last ${unsigned} records of the ledger were not signed, as after a crash or where somebody wrote them: they are signed now`,
      );
    return new Ledger(settings, end, recent, release);
  } catch (error) {
    release();
    throw error;
  }
}

/**
 * An append-only log of records that nobody can alter unnoticed. What was appended is on the disk; calls that come while
 * the disk is busy share the next write.
 */
export class Ledger {
  readonly #settings: LedgerSettings;
  readonly #release: () => void;
  readonly #recent: RecentIds;
  readonly #checkpointer: Checkpointer;
  readonly #file: SegmentFile;
  readonly #edge: LedgerEnd['edge'];
  readonly #queued = new Map<string, Waiting>();
  readonly #timer: NodeJS.Timeout;
  #lastHash: string;
  #lastTime: number;
  #segmentTime: number;
  #working: Promise<void> | undefined;
  #signing: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(settings: LedgerSettings, end: LedgerEnd, recent: RecentIds, release: () => void) {
    const { directory, signer, anchor, notice, checkpoint } = settings;
    this.#settings = settings;
    this.#release = release;
    this.#recent = recent;
    this.#edge = end.edge;
    this.#lastHash = end.lastHash;
    this.#lastTime = end.lastTime;
    this.#segmentTime = end.segmentTime;
    this.#file = new SegmentFile(directory, end.segment, end.bytes);
    this.#checkpointer = new Checkpointer({
      directory,
      signer,
      anchor,
      notAnchored: () => notice('anchor', 'a checkpoint could not be written to the anchor'),
      size: end.head?.size ?? 0,
      time: end.head && statSync(join(directory, CHECKPOINT_FILE)).mtimeMs,
      historyBytes: end.historyBytes,
    });
    this.#checkpointer.write(this.#edge);
    this.#timer = setInterval(() => void this.#upkeep(), checkpoint.interval).unref();
    if (end.cut)
      void this.append({
        ...this.#own(`repair/${this.size}/${end.cut.hash}`),
        event: 'tail_repaired',
        actor: 'ledger',
        cut_bytes: end.cut.bytes,
        cut_hash: end.cut.hash,
      }).catch((error: unknown) => this.#notKeptUp(error));
    void this.#upkeep();
  }

  /** Records, those included that are no longer kept. */
  get size(): number {
    return this.#edge.frontier.size;
  }

  /** What the newest signed checkpoint covers, and when it was signed (milliseconds since the Unix epoch). */
  get checkpoint(): { readonly size: number; readonly time: number | undefined } {
    return this.#checkpointer;
  }

  /**
   * Appends a record. Resolves when it is on the disk. One whose id is that of a record among the last 65,536, or of one
   * that waits, is not written again.
   * @throws VconOtelError `FILE_UNUSABLE` where it was not written, so that it can be tried again; RangeError for a record
   * that can never be written
   */
  append(entry: LedgerEntry): Promise<void> {
    if (this.#closed) return Promise.reject(new VconOtelError('FILE_UNUSABLE', 'the ledger is closed'));
    return this.#accept(entry);
  }

  /** Everything accepted so far is on the disk, or was refused. */
  async flush(): Promise<void> {
    await this.#working;
  }

  /** Writes what waits, signs a checkpoint of everything and lets the ledger go. Safe twice. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #accept(entry: LedgerEntry): Promise<void> {
    if (this.#recent.has(entry.record_id)) return Promise.resolve();
    const queued = this.#queued.get(entry.record_id);
    if (queued) return queued.written.promise;
    if (this.#queued.size >= MAX_WAITING)
      return Promise.reject(new VconOtelError('FILE_UNUSABLE', 'the ledger does not keep up'));
    const written = Promise.withResolvers<void>();
    this.#queued.set(entry.record_id, { entry, written });
    this.#working ??= this.#drain();
    return written.promise;
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer);
    try {
      await this.#recordShreds().catch((error: unknown) => this.#notKeptUp(error));
      await this.#working;
      await this.#sign();
    } finally {
      this.#file.close();
      this.#release();
    }
  }

  async #drain(): Promise<void> {
    // Whoever calls in the same turn shares the first write.
    await Promise.resolve();
    while (this.#queued.size > 0) {
      const batch = this.#firstQueued();
      try {
        await this.#write(batch);
      } catch (cause) {
        const error = new VconOtelError('FILE_UNUSABLE', 'the ledger could not be written', { cause });
        for (const { entry, written } of batch) {
          this.#queued.delete(entry.record_id);
          written.reject(error);
        }
      }
      if (this.size - this.#checkpointer.size >= this.#settings.checkpoint.every)
        void this.#sign().catch(() => undefined);
    }
    // In the same turn as the last look at the queue: else what comes in between would wait for ever.
    this.#working = undefined;
  }

  #firstQueued(): Waiting[] {
    const batch: Waiting[] = [];
    for (const waiting of this.#queued.values()) {
      if (batch.length >= MAX_BATCH) break;
      batch.push(waiting);
    }
    return batch;
  }

  async #write(batch: readonly Waiting[]): Promise<void> {
    const now = Math.max(Date.now(), this.#lastTime);
    if (this.#file.bytes > 0 && this.#isSegmentDone(now)) await this.#rotate();
    const { lines, hashes, accepted, refused } = placeEntries(batch, this.size, this.#lastHash, now);
    for (const { entry, written } of refused) {
      this.#queued.delete(entry.record_id);
      written.reject(new RangeError('the record is not one that could be read again'));
    }
    if (accepted.length === 0) return;
    await this.#file.append(lines);
    // Only now is it true.
    if (this.#segmentTime === 0) this.#segmentTime = now;
    this.#lastTime = now;
    for (const leaf of hashes) this.#edge.frontier.push(Buffer.from(leaf, 'hex'));
    this.#lastHash = hashes.at(-1) ?? this.#lastHash;
    for (const { entry, written } of accepted) {
      this.#recent.add(entry.record_id);
      this.#queued.delete(entry.record_id);
      written.resolve();
    }
  }

  #isSegmentDone(now: number): boolean {
    const { retention, segmentBytes = SEGMENT_BYTES } = this.#settings;
    const longest = Math.min(LONGEST_SEGMENT, retention.period / 10);
    return this.#file.bytes >= segmentBytes || now - this.#segmentTime >= longest;
  }

  /** Begins a new segment. Its first record has a checkpoint of all records before it. */
  async #rotate(): Promise<void> {
    await this.#sign();
    this.#file.moveTo(makeSegment(this.#settings.directory, this.size));
    this.#segmentTime = 0;
  }

  /** One at a time; whoever asks meanwhile waits for that one, and then for one of its own. */
  async #sign(): Promise<void> {
    while (this.#signing) await this.#signing.catch(() => undefined);
    this.#signing = this.#checkpointer.sign(this.#edge);
    try {
      await this.#signing;
    } catch (error) {
      this.#settings.notice('checkpoint', 'a checkpoint could not be written');
      throw error;
    } finally {
      this.#signing = undefined;
    }
  }

  /** What is due from time to time: a checkpoint, a record of each key that was destroyed, records that expire. */
  async tend(): Promise<void> {
    const { directory, retention, notice } = this.#settings;
    if (!this.#signing) await this.#sign();
    await this.#recordShreds();
    await expireSegments(directory, Date.now() - retention.period, async (first) => {
      await this.append({
        ...this.#own(`expire/${first}`),
        event: 'records_expired',
        actor: 'ledger',
        first_seq: first,
      });
      await this.#sign();
      notice('retention', `records before ${first} are no longer kept`);
    });
  }

  /** As {@link tend}; what it cannot do is told, and tried again the next time. */
  async #upkeep(): Promise<void> {
    await this.tend().catch((error: unknown) => this.#notKeptUp(error));
  }

  #notKeptUp(error: unknown): void {
    this.#settings.notice('upkeep', `the ledger could not be kept up (${errorType(error)})`);
  }

  async #recordShreds(): Promise<void> {
    for (const request of openRequests(this.#settings.directory)) {
      await this.#accept({
        ...this.#own(request.recordId, request.time),
        event: 'vcon_key_destroyed',
        actor: 'operator',
        vcon_uuid: request.vconUuid,
      });
      doneRequest(request);
    }
  }

  #own(record_id: string, time = Date.now()) {
    return {
      record_id,
      timestamp: new Date(time).toISOString(),
      retention_policy: this.#settings.retention.policy,
    };
  }
}

/** Records that may wait for their turn: the bound of the memory this takes. */
const MAX_WAITING = 10_000;
/** Records in one write. */
const MAX_BATCH = 2_000;
/** Bytes of a segment: what is read again when a ledger is opened. */
const SEGMENT_BYTES = 16 * 1_024 * 1_024;
/** Milliseconds that a segment is written to: retention deletes whole segments. */
const LONGEST_SEGMENT = 30 * 86_400_000;
