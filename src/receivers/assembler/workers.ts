import type { ForwardedRecord } from '../forwarded-record.ts';
import type { OpenRun } from './open-run.ts';
import { workerKey } from './open-run.ts';

/** A process of the conserver that forwards records. */
export interface Worker {
  readonly key: string;
  /** Its runs that are not over. */
  readonly runs: Set<OpenRun>;
  /** The lowest and the highest number so far, and when the latest record was made (nanoseconds since the Unix epoch). */
  low: number;
  top: number;
  topTime: bigint;
  /** Numbers between them that have not come, and when that was noticed (`performance.now()`). */
  readonly missing: Map<number, number>;
  /** Those of them that were counted as lost lately: they may come after all. */
  readonly givenUp: Set<number>;
  /** Whether a record ever had a span's ids: then the server records spans itself. */
  hasSpans: boolean;
  /** What is kept of it in the inbox, and whether that has changed. */
  entry: number | undefined;
  isChanged: boolean;
}

/** What is kept of a worker. */
export type WorkerBody = readonly [
  key: string,
  low: number,
  top: number,
  topTime: string,
  missing: readonly number[],
  hasSpans: boolean,
];

/** Numbers that may be missing at once; beyond it the worker has begun anew. */
const MAX_MISSING = 100_000;
/** Numbers that are remembered when they were given up. */
const MAX_GIVEN_UP = 1_000;
/** Workers that are remembered. */
const MAX_WORKERS = 10_000;

/** The workers, by which records are told from repeats, and what does not come is found out. */
export class Workers {
  readonly #workers = new Map<string, Worker>();
  readonly #forgotten: number[] = [];

  of(record: ForwardedRecord): Worker {
    const key = workerKey(record);
    const known = this.#workers.get(key);
    if (known) return known;
    const worker: Worker = {
      key,
      runs: new Set(),
      low: record.seq,
      top: record.seq - 1,
      topTime: record.time,
      missing: new Map(),
      givenUp: new Set(),
      hasSpans: false,
      entry: undefined,
      isChanged: true,
    };
    this.#workers.set(key, worker);
    this.#bound();
    return worker;
  }

  get(key: string | undefined): Worker | undefined {
    return key === undefined ? undefined : this.#workers.get(key);
  }

  /** Notes the number of a record. @returns whether it has come before */
  isRepeat(worker: Worker, { seq, time, traceId }: ForwardedRecord, now: number): boolean {
    if (traceId !== undefined && !worker.hasSpans) {
      worker.hasSpans = true;
      worker.isChanged = true;
    }
    if (seq >= worker.low && seq <= worker.top && !worker.missing.has(seq) && !worker.givenUp.delete(seq)) {
      // A process of the same number on the same host may count from the start again.
      if (time <= worker.topTime) return true;
      this.#restart(worker, seq);
    }
    worker.missing.delete(seq);
    if (seq - worker.top + worker.missing.size > MAX_MISSING) this.#restart(worker, seq);
    for (let missed = worker.top + 1; missed < seq; missed += 1) worker.missing.set(missed, now);
    worker.top = Math.max(worker.top, seq);
    // One from long before it was heard of for the first time is of an earlier process.
    if (seq < worker.low && worker.low - seq + worker.missing.size <= MAX_MISSING) {
      for (let missed = seq + 1; missed < worker.low; missed += 1) worker.missing.set(missed, now);
      worker.low = seq;
    }
    if (time > worker.topTime) worker.topTime = time;
    worker.isChanged = true;
    return false;
  }

  /** Gives up numbers that were missed before a time. @returns how many */
  giveUp(before: number): number {
    let lost = 0;
    for (const worker of this.#workers.values())
      for (const [seq, noticed] of worker.missing) {
        if (noticed > before) break;
        worker.missing.delete(seq);
        worker.givenUp.add(seq);
        const [oldest = seq] = worker.givenUp;
        if (worker.givenUp.size > MAX_GIVEN_UP) worker.givenUp.delete(oldest);
        worker.isChanged = true;
        lost += 1;
      }
    return lost;
  }

  /** Those of which something has changed since it was kept. */
  *changed(): Iterable<Worker> {
    for (const worker of this.#workers.values()) if (worker.isChanged) yield worker;
  }

  /** Entries of workers that were forgotten. */
  takeForgotten(): number[] {
    return this.#forgotten.splice(0);
  }

  body({ key, low, top, topTime, missing, hasSpans }: Worker): WorkerBody {
    return [key, low, top, String(topTime), [...missing.keys()], hasSpans];
  }

  /** Of a process before this one. */
  restore([key, low, top, topTime, missing, hasSpans]: WorkerBody, entry: number, now: number): void {
    this.#workers.set(key, {
      key,
      runs: new Set(),
      low,
      top,
      topTime: BigInt(topTime),
      missing: new Map(missing.map((seq) => [seq, now])),
      givenUp: new Set(),
      hasSpans,
      entry,
      isChanged: false,
    });
  }

  #restart(worker: Worker, seq: number): void {
    worker.missing.clear();
    worker.givenUp.clear();
    worker.low = seq;
    worker.top = seq - 1;
  }

  #bound(): void {
    for (const [key, worker] of this.#workers) {
      if (this.#workers.size <= MAX_WORKERS) return;
      if (worker.runs.size > 0) continue;
      this.#workers.delete(key);
      if (worker.entry !== undefined) this.#forgotten.push(worker.entry);
    }
  }
}
