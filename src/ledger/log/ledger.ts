import { statSync } from 'node:fs';
import { join } from 'node:path';
import { errorType, VconOtelError } from '../../model/error.ts';
import { Batches } from '../../persistence/batches.ts';
import type { FileLock } from '../../persistence/file-lock.ts';
import { CHECKPOINT_FILE } from '../directory.ts';
import type { Anchor } from './anchor.ts';
import { Checkpointer } from './checkpointer.ts';
import { Duties } from './duties.ts';
import { Elsewhere } from './elsewhere.ts';
import { Heartbeat } from './heartbeat.ts';
import type { LedgerSettings } from './ledger-settings.ts';
import type { LedgerStanding } from './ledger-standing.ts';
import { heartbeatEntry, repairEntry } from './own-entries.ts';
import type { OwnKeys } from './own-keys.ts';
import type { RecentIds } from './recent-ids.ts';
import type { LedgerEntry } from './record.ts';
import { RecordLog, type SegmentLimits } from './record-log.ts';
import type { LedgerEnd } from './recover.ts';
import { Soundness } from './soundness.ts';

/**
 * An append-only log of records that nobody can alter unnoticed. An appended record is on disk; calls that arrive while the
 * disk is busy share the next write.
 */
export class Ledger {
  readonly #settings: LedgerSettings;
  readonly #keys: OwnKeys;
  readonly #lock: FileLock;
  readonly #soundness: Soundness;
  readonly #records: RecordLog;
  readonly #batches: Batches<LedgerEntry>;
  /** The records that are waiting, by their ids. */
  readonly #waiting = new Map<string, Promise<void>>();
  readonly #anchor: Anchor | undefined;
  readonly #checkpointer: Checkpointer;
  readonly #duties: Duties;
  readonly #elsewhere: Elsewhere;
  readonly #timer: NodeJS.Timeout;
  readonly #heartbeat: Heartbeat | undefined;
  #signing: Promise<void> | undefined;
  /** What is done beside the records: closing waits for it. */
  readonly #beside = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;
  #forgotten: () => void = () => {};

  constructor(
    settings: LedgerSettings,
    end: LedgerEnd,
    recent: RecentIds,
    keys: OwnKeys,
    anchor: Anchor | undefined,
    lock: FileLock,
  ) {
    const { directory, notice, checkpoint, retention } = settings;
    this.#settings = settings;
    this.#keys = keys;
    this.#lock = lock;
    this.#anchor = anchor;
    this.#soundness = new Soundness(directory, lock, (text) => notice('fault', text));
    this.#duties = new Duties(settings, keys, {
      accept: (entry) => this.#accept(entry),
      sign: () => this.#sign(),
      has: (recordId) => this.#records.has(recordId),
      closing: this.#closing.signal,
    });
    this.#records = new RecordLog(directory, end, recent);
    this.#batches = new Batches({
      write: (entries) => this.#write(entries),
      maxBatch: MAX_BATCH,
      maxWaiting: MAX_WAITING,
      eager: true,
      divides: (error) => error instanceof RangeError,
      refusal: 'FILE_UNUSABLE',
    });
    this.#checkpointer = new Checkpointer({
      directory,
      keys,
      anchor,
      notice,
      signed: (note, head) => this.#elsewhere.signed(note, head),
      newest: end.head && { note: end.note, head: end.head },
      time: end.head && statSync(join(directory, CHECKPOINT_FILE)).mtimeMs,
      historyBytes: end.historyBytes,
    });
    this.#checkpointer.write(this.#records.edge);
    this.#elsewhere = new Elsewhere(settings, keys, {
      cosigned: (note) => this.#checkpointer.cosigned(note),
      contradicted: (error) => void this.#soundness.faultOf(error),
    });
    this.#elsewhere.resume(end.head);
    this.#timer = setInterval(() => this.#upkeep(), checkpoint.interval).unref();
    if (end.cut)
      void this.append(repairEntry(this.size, end.cut, retention.policy)).catch((error: unknown) =>
        this.#notKeptUp(error),
      );
    this.#upkeep();
    const { heartbeat } = checkpoint;
    if (heartbeat !== undefined)
      this.#heartbeat = new Heartbeat(
        heartbeat,
        () => this.#records.lastTime,
        () => this.#noted(this.#beat()),
      );
  }

  /** How many records there are, including those that are no longer kept. */
  get size(): number {
    return this.#records.size;
  }

  /** What records say of how long they are kept. */
  get policy(): string {
    return this.#settings.retention.policy;
  }

  /** Calls a function when the ledger begins to close. */
  onClosed(call: () => void): void {
    this.#forgotten = call;
  }

  /** How it stands, without a look at its records. */
  get standing(): LedgerStanding {
    const { origin, vkey: key } = this.#keys;
    return {
      ...{ origin, key, size: this.size, policy: this.policy },
      checkpoint: { size: this.#checkpointer.size, time: this.#checkpointer.time },
      anchor: this.#anchor?.standing,
      ...this.#elsewhere.standing(this.size),
      troubles: [...(this.fault ? [this.fault.message] : []), ...this.#elsewhere.troubles],
    };
  }

  /** Why nothing is recorded or signed any more, until somebody has looked at it and opens the ledger anew. */
  get fault(): VconOtelError | undefined {
    return this.#soundness.fault;
  }

  /**
   * Appends a record. Resolves when it is on disk. A record with the id of a waiting one, or of one of the last 65,536, is
   * not written again.
   * @throws VconOtelError `FILE_UNUSABLE` if it was not written and can be tried again, or the {@link fault}; RangeError if it
   * can never be written
   */
  append(entry: LedgerEntry): Promise<void> {
    if (this.#closed) return Promise.reject(new VconOtelError('FILE_UNUSABLE', 'the ledger is closed'));
    return this.#accept(entry);
  }

  /** Resolves when everything accepted so far is on disk, or was refused. */
  flush(): Promise<void> {
    return this.#batches.flush();
  }

  /**
   * Writes waiting records, signs a checkpoint of everything, and unlocks the ledger: nothing writes in its directory then. A
   * deletion of old records that is under way ends where it can go on the next time. Safe twice.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #accept(entry: LedgerEntry): Promise<void> {
    if (this.fault) return Promise.reject(this.fault);
    const { record_id } = entry;
    if (this.#records.has(record_id)) return Promise.resolve();
    const waiting = this.#waiting.get(record_id);
    if (waiting) return waiting;
    if (this.#waiting.size >= MAX_WAITING)
      return Promise.reject(new VconOtelError('FILE_UNUSABLE', 'the ledger does not keep up'));
    const written = this.#batches.add(entry);
    this.#waiting.set(record_id, written);
    return written;
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer);
    this.#forgotten();
    this.#heartbeat?.close();
    this.#closing.abort();
    try {
      await this.#settled();
      await this.#duties.recordRequests().catch((error: unknown) => this.#notKeptUp(error));
      await this.#batches.close();
      await this.#settled();
      // Nothing more is signed after a fault.
      if (!this.fault) await this.#sign();
    } finally {
      await this.#records.close();
      await this.#elsewhere.close();
      await this.#checkpointer.close();
      this.#lock.release();
    }
  }

  async #write(entries: readonly LedgerEntry[]): Promise<void> {
    try {
      this.#soundness.require();
      if (this.#records.isSegmentDone(this.#limits)) await this.#beginSegment();
      await this.#records.append(entries);
      // Whoever has the ledger by now may write over it.
      this.#soundness.require();
      this.#forget(entries);
    } catch (cause) {
      const fault = this.#soundness.faultOf(cause);
      const isDivided = cause instanceof RangeError && entries.length > 1;
      if (!isDivided) this.#forget(entries);
      if (fault || cause instanceof RangeError) throw fault ?? cause;
      throw new VconOtelError('FILE_UNUSABLE', 'the ledger could not be written', { cause });
    } finally {
      if (this.size - this.#checkpointer.size >= this.#settings.checkpoint.every)
        void this.#noted(this.#sign().catch(() => undefined));
    }
  }

  /** They no longer wait. */
  #forget(entries: readonly LedgerEntry[]): void {
    for (const { record_id } of entries) this.#waiting.delete(record_id);
  }

  get #limits(): SegmentLimits {
    const { retention, segmentBytes = SEGMENT_BYTES } = this.#settings;
    return { bytes: segmentBytes, period: Math.min(LONGEST_SEGMENT, retention.period / 10) };
  }

  /** Every segment starts with a checkpoint of all records before it. */
  async #beginSegment(): Promise<void> {
    await this.#sign();
    await this.#records.beginSegment();
  }

  /** One at a time; a call in the meantime waits, and then signs again. */
  async #sign(): Promise<void> {
    while (this.#signing) await this.#signing.catch(() => undefined);
    this.#soundness.require();
    this.#signing = this.#checkpointer.sign(this.#records.edge);
    try {
      await this.#signing;
    } catch (error) {
      const fault = this.#soundness.faultOf(error);
      if (!fault) this.#settings.notice('checkpoint', 'a checkpoint could not be written');
      throw fault ?? error;
    } finally {
      this.#signing = undefined;
    }
  }

  /**
   * Regular upkeep: signs a checkpoint, records what operators did, deletes expired records.
   * @throws as {@link append}, or AbortError where the ledger is closed meanwhile
   */
  async tend(): Promise<void> {
    this.#closing.signal.throwIfAborted();
    await this.#noted(this.#tend());
  }

  async #tend(): Promise<void> {
    try {
      this.#records.requireWhole();
      if (!this.#signing) await this.#sign();
      await this.#duties.recordRequests();
      await this.#duties.expire();
    } catch (error) {
      throw this.#soundness.faultOf(error) ?? error;
    }
  }

  /** As {@link tend}; a failure is reported, and tried again next time. */
  #upkeep(): void {
    if (!this.fault) void this.tend().catch((error: unknown) => this.#notKeptUp(error));
  }

  /** Closing waits for it. */
  async #noted(work: Promise<void>): Promise<void> {
    this.#beside.add(work);
    try {
      await work;
    } finally {
      this.#beside.delete(work);
    }
  }

  /** Resolves when nothing is done beside the records. */
  async #settled(): Promise<void> {
    while (this.#beside.size > 0) await Promise.allSettled(this.#beside);
  }

  /** Nothing else has happened. */
  async #beat(): Promise<void> {
    if (this.fault) return;
    const beaten = this.append(heartbeatEntry(this.size, this.#settings.retention.policy));
    await beaten.then(() => this.#sign()).catch((error: unknown) => this.#notKeptUp(error));
  }

  #notKeptUp(error: unknown): void {
    if (this.#soundness.faultOf(error) || error === this.#closing.signal.reason) return;
    this.#settings.notice('upkeep', `the ledger could not be kept up (${errorType(error)})`);
  }
}

/** The largest number of waiting records, which bounds memory. */
const MAX_WAITING = 10_000;
/** Records in one write. */
const MAX_BATCH = 2_000;
/** Bytes of a segment. Opening a ledger reads one. */
const SEGMENT_BYTES = 16 * 1_024 * 1_024;
/** Milliseconds after which a new segment starts: retention deletes whole segments. */
const LONGEST_SEGMENT = 30 * 86_400_000;
