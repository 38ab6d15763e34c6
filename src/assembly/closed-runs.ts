import { bounded } from '../model/memory.ts';

/** A run that is over: what is needed to know what comes too late. */
export interface ClosedRun {
  /** What it went by, and its chain span's id, as far as that is certain. */
  readonly id: string;
  readonly rootSpanId?: string | undefined;
  readonly chain: string;
  readonly uuids: readonly string[];
  /** When it happened, milliseconds since the Unix epoch. */
  readonly from: number;
  readonly to: number;
  /** A link had failed, and its chain span had not come. */
  readonly isHeadless: boolean;
  /** It was heard from inside the server: its spans say nothing new. */
  readonly isFromInside: boolean;
  /** When it was closed, milliseconds since the Unix epoch. */
  readonly at: number;
}

/** Runs that are remembered, however short the time is in which they were closed. */
const MAX_KEPT = bounded(250_000, 1 / 8, 800);

/** The runs that were closed lately, by whatever a latecomer may know of them. */
export class ClosedRuns {
  readonly #kept = new Set<ClosedRun>();
  readonly #ids = new Set<string>();
  readonly #byRoot = new Map<string, ClosedRun>();
  /** Of each vCon the last run only: another passage of it follows seldom, and later. */
  readonly #byUuid = new Map<string, ClosedRun>();

  /** The run of a chain span. */
  of(rootSpanId: string): ClosedRun | undefined {
    return this.#byRoot.get(rootSpanId);
  }

  /** Whether a run went by an id, rightly or not. */
  hasId(id: string): boolean {
    return this.#ids.has(id);
  }

  /** The run that a vCon was in at a time (milliseconds since the Unix epoch). */
  at(uuid: string, time: number): ClosedRun | undefined {
    const run = this.#byUuid.get(uuid);
    return run && time >= run.from && time <= run.to ? run : undefined;
  }

  /** How many of the runs that were closed first need not be remembered any more. @param keep milliseconds */
  outdated(now: number, keep: number): number {
    let count = 0;
    for (const { at } of this.#kept) {
      if (this.#kept.size - count <= MAX_KEPT && now - at < keep) break;
      count += 1;
    }
    return count;
  }

  /** In the order in which they were closed. */
  [Symbol.iterator](): Iterator<ClosedRun> {
    return this.#kept.values();
  }

  add(run: ClosedRun): void {
    this.#kept.add(run);
    this.#ids.add(run.id);
    if (run.rootSpanId !== undefined) this.#byRoot.set(run.rootSpanId, run);
    for (const uuid of run.uuids) this.#byUuid.set(uuid, run);
  }

  /** Forgets so many of those that were closed first. */
  forget(count: number): void {
    for (const run of this.#kept) {
      if (count <= 0) return;
      count -= 1;
      this.#kept.delete(run);
      this.#ids.delete(run.id);
      const { rootSpanId = '' } = run;
      if (this.#byRoot.get(rootSpanId) === run) this.#byRoot.delete(rootSpanId);
      for (const uuid of run.uuids) if (this.#byUuid.get(uuid) === run) this.#byUuid.delete(uuid);
    }
  }
}
