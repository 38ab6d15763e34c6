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
  /** When it was closed, milliseconds since the Unix epoch. */
  readonly at: number;
}

interface Kept {
  readonly run: ClosedRun;
  /** In the inbox. */
  readonly entry: number;
}

/** Runs that are remembered, however short the time is in which they were closed. */
const MAX_KEPT = 250_000;

/** The runs that were closed lately, by whatever a latecomer may know of them. */
export class ClosedRuns {
  readonly #keep: number;
  readonly #kept = new Set<Kept>();
  readonly #ids = new Set<string>();
  readonly #byRoot = new Map<string, Kept>();
  /** Of each vCon the last run only: another passage of it follows seldom, and later. */
  readonly #byUuid = new Map<string, Kept>();

  /** @param keep milliseconds for which a run is remembered */
  constructor(keep: number) {
    this.#keep = keep;
  }

  /** The run of a chain span. */
  get(rootSpanId: string): ClosedRun | undefined {
    return this.#byRoot.get(rootSpanId)?.run;
  }

  /** Whether a run went by an id, rightly or not. */
  hasId(id: string): boolean {
    return this.#ids.has(id);
  }

  /** The run that a vCon was in at a time (milliseconds since the Unix epoch). */
  at(uuid: string, time: number): ClosedRun | undefined {
    const run = this.#byUuid.get(uuid)?.run;
    return run && time >= run.from && time <= run.to ? run : undefined;
  }

  add(run: ClosedRun, entry: number): void {
    const kept = { run, entry };
    this.#kept.add(kept);
    this.#ids.add(run.id);
    if (run.rootSpanId !== undefined) this.#byRoot.set(run.rootSpanId, kept);
    for (const uuid of run.uuids) this.#byUuid.set(uuid, kept);
  }

  /** Forgets what was closed long ago. @returns the entries of the inbox that are not needed any more */
  forget(now: number): number[] {
    const entries: number[] = [];
    for (const kept of this.#kept) {
      if (this.#kept.size <= MAX_KEPT && now - kept.run.at < this.#keep) break;
      this.#kept.delete(kept);
      this.#ids.delete(kept.run.id);
      entries.push(kept.entry);
      const { rootSpanId = '' } = kept.run;
      if (this.#byRoot.get(rootSpanId) === kept) this.#byRoot.delete(rootSpanId);
      for (const uuid of kept.run.uuids) if (this.#byUuid.get(uuid) === kept) this.#byUuid.delete(uuid);
    }
    return entries;
  }
}
