import type { RecordFact } from '../model/fact.ts';
import { claimedTime } from './claimed-times.ts';
import { workerKey } from './facts.ts';
import type { NumberRange } from './number-ranges.ts';
import { NumberSet } from './number-set.ts';
import type { OpenRun } from './open-run.ts';

/** A process of the conserver that forwards records. */
export interface Worker {
  readonly key: string;
  /** Its runs that are not over. */
  readonly runs: Set<OpenRun>;
  /** The lowest and the highest number so far, and when the latest record was made (nanoseconds since the Unix epoch). */
  low: number;
  top: number;
  topTime: bigint;
  /** Numbers between them that have not come, and when that was noticed (the clock's `elapsed`). */
  readonly missing: NumberSet;
  /** Those of them that were counted as lost lately: they may come after all. */
  readonly givenUp: NumberSet;
  /** Whether a record ever had a span's ids: then the server records spans itself. */
  hasSpans: boolean;
}

/** A worker without its runs: what has to be remembered of it. */
export type WorkerNumbers = Pick<Worker, 'key' | 'low' | 'top' | 'topTime' | 'hasSpans'> & {
  readonly missing: readonly NumberRange[];
  readonly givenUp: readonly NumberRange[];
};

/** Numbers of a worker. */
export interface NumbersOf {
  readonly worker: string;
  readonly numbers: readonly NumberRange[];
}

/** Numbers that may be missing at once; beyond it the worker has begun anew. */
const MAX_MISSING = 100_000;
/** Numbers that are remembered when they were given up. */
const MAX_GIVEN_UP = 1_000;
/** Workers that are remembered. */
const MAX_WORKERS = 10_000;

/** The workers: by their numbers repeats are recognised, and what does not come is noticed. */
export class Workers {
  readonly #workers = new Map<string, Worker>();

  /** The worker of a record, which may be a new one. */
  of(record: RecordFact): Worker {
    const key = workerKey(record);
    const known = this.#workers.get(key);
    if (known) return known;
    const worker: Worker = {
      key,
      runs: new Set(),
      low: record.seq,
      top: record.seq - 1,
      topTime: claimedTime(record),
      missing: new NumberSet(),
      givenUp: new NumberSet(),
      hasSpans: false,
    };
    this.#workers.set(key, worker);
    this.#bound();
    return worker;
  }

  get(key: string | undefined): Worker | undefined {
    return key === undefined ? undefined : this.#workers.get(key);
  }

  /** Numbers that were missed before a time (on the clock's `elapsed`). */
  *missedBefore(time: number): Iterable<NumbersOf> {
    for (const { key, missing } of this.#workers.values()) {
      const numbers = missing.until(time);
      if (numbers.length > 0) yield { worker: key, numbers };
    }
  }

  /** What has to be remembered of all of them. */
  *numbers(): Iterable<WorkerNumbers> {
    for (const { runs, missing, givenUp, ...worker } of this.#workers.values())
      yield { ...worker, missing: missing.ranges, givenUp: givenUp.ranges };
  }

  /** Notes the number of a record. @returns whether it has come before */
  isRepeat(worker: Worker, record: RecordFact, now: number): boolean {
    const { seq, traceId } = record;
    // As it is each time that the record is sent.
    const time = claimedTime(record);
    if (traceId !== undefined) worker.hasSpans = true;
    const isHeard = seq >= worker.low && seq <= worker.top && !worker.missing.has(seq);
    if (isHeard && worker.givenUp.take(seq).length === 0) {
      // A process of the same number on the same host may count from the start again.
      if (time <= worker.topTime) return true;
      this.#restart(worker, seq);
    }
    worker.missing.take(seq);
    if (seq - worker.top + worker.missing.size > MAX_MISSING) this.#restart(worker, seq);
    worker.missing.add(worker.top + 1, seq - 1, now);
    worker.top = Math.max(worker.top, seq);
    // One from long before it was heard of for the first time is of an earlier process.
    if (seq < worker.low && worker.low - seq + worker.missing.size <= MAX_MISSING) {
      worker.missing.add(seq + 1, worker.low - 1, now);
      worker.low = seq;
    }
    if (time > worker.topTime) worker.topTime = time;
    return false;
  }

  /** Numbers of a worker are taken to be lost. @returns how many were missing */
  giveUp({ worker: key, numbers }: NumbersOf): number {
    const worker = this.#workers.get(key);
    if (!worker) return 0;
    let lost = 0;
    for (const given of numbers)
      for (const [from, to] of worker.missing.take(...given)) {
        lost += to - from + 1;
        worker.givenUp.take(from, to);
        worker.givenUp.add(from, to, 0);
      }
    worker.givenUp.bound(MAX_GIVEN_UP);
    return lost;
  }

  /** A worker that was known before. */
  restore({ missing, givenUp, ...worker }: WorkerNumbers, now: number): void {
    this.#workers.set(worker.key, {
      ...worker,
      runs: new Set(),
      missing: new NumberSet(missing, now),
      givenUp: new NumberSet(givenUp),
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
      if (worker.runs.size === 0) this.#workers.delete(key);
    }
  }
}
