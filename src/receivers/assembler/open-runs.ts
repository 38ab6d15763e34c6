import type { OpenRun } from './open-run.ts';

/** The runs that are not over, by whatever may be known of them, the one that was heard of longest ago first. */
export class OpenRuns {
  readonly #byNews = new Set<OpenRun>();
  readonly #ids = new Map<string, OpenRun>();
  /** By their chain span's. */
  readonly #byRoot = new Map<string, OpenRun>();
  readonly #byUuid = new Map<string, Set<OpenRun>>();
  readonly #uuids = new Map<OpenRun, Set<string>>();

  get size(): number {
    return this.#byNews.size;
  }

  has(run: OpenRun): boolean {
    return this.#byNews.has(run);
  }

  /** The run of a chain span. */
  get(rootSpanId: string): OpenRun | undefined {
    return this.#byRoot.get(rootSpanId);
  }

  /** The run that is called by an id. */
  named(id: string): OpenRun | undefined {
    return this.#ids.get(id);
  }

  /** Whether a run goes by an id, rightly or not. */
  hasId(id: string): boolean {
    return this.#ids.has(id);
  }

  /** The ids on a run's records have turned out to be another's. */
  doubt(run: OpenRun): void {
    const { rootSpanId } = run;
    if (rootSpanId !== undefined && this.#byRoot.get(rootSpanId) === run) this.#byRoot.delete(rootSpanId);
    run.doubt();
  }

  /** Runs in which a vCon is known to have had a uuid. */
  with(uuid: string | undefined): Iterable<OpenRun> {
    return (uuid !== undefined && this.#byUuid.get(uuid)) || [];
  }

  /** Something was heard of a run, which may be a new one. */
  heard(run: OpenRun, now: number): void {
    run.news = now;
    this.#byNews.delete(run);
    this.#byNews.add(run);
    this.#ids.set(run.id, run);
    if (run.rootSpanId !== undefined) this.#byRoot.set(run.rootSpanId, run);
  }

  /** A vCon is known to have a uuid in a run. */
  known(run: OpenRun, uuid: string | undefined): void {
    if (uuid === undefined) return;
    let uuids = this.#uuids.get(run);
    if (!uuids) {
      uuids = new Set();
      this.#uuids.set(run, uuids);
    }
    if (uuids.has(uuid)) return;
    uuids.add(uuid);
    const runs = this.#byUuid.get(uuid);
    if (runs) runs.add(run);
    else this.#byUuid.set(uuid, new Set([run]));
  }

  remove(run: OpenRun): void {
    this.#byNews.delete(run);
    this.#ids.delete(run.id);
    const { rootSpanId } = run;
    if (rootSpanId !== undefined && this.#byRoot.get(rootSpanId) === run) this.#byRoot.delete(rootSpanId);
    for (const uuid of this.#uuids.get(run) ?? []) {
      const runs = this.#byUuid.get(uuid);
      runs?.delete(run);
      if (runs?.size === 0) this.#byUuid.delete(uuid);
    }
    this.#uuids.delete(run);
  }

  [Symbol.iterator](): Iterator<OpenRun> {
    return this.#byNews.values();
  }
}
