import type { PageSources, TracerStanding } from '../page-sources.ts';

/** How a tracer stands, as a line of a list. */
export interface TracerRow {
  readonly name: string;
  readonly circuit: string;
  /** Events a second that it has heard or given up lately. */
  readonly rate: number;
  readonly pending: number;
  /** Seconds. */
  readonly oldest_age: number;
  readonly retrying: number;
  readonly dead_letters: number;
  readonly ok: number;
  readonly retried: number;
  readonly dead: number;
  readonly dropped: number;
  readonly skipped: number;
}

/** Milliseconds over which a rate is taken. */
const LATELY = 10_000;

/** Tells how tracers stand, and how fast they hear: of counts, between one time that it is asked and another. */
export class TracerRows {
  readonly #tracers: PageSources['tracers'];
  readonly #seen = new Map<string, { readonly at: number; readonly heard: number }[]>();

  constructor(tracers: PageSources['tracers']) {
    this.#tracers = tracers;
  }

  /** @param now milliseconds since the Unix epoch */
  look(now: number): TracerRow[] {
    return Object.entries(this.#tracers()).map(([name, standing]) =>
      rowOf(name, standing, this.#rate(name, standing, now)),
    );
  }

  #rate(name: string, { ok, dead, skipped }: TracerStanding, at: number): number {
    const heard = ok + dead + skipped;
    // A tracer that was made anew counts from the beginning.
    const before = (this.#seen.get(name) ?? []).filter((one) => at - one.at < LATELY && one.heard <= heard);
    this.#seen.set(name, [...before, { at, heard }]);
    const [first] = before;
    return first && at > first.at ? ((heard - first.heard) * 1e3) / (at - first.at) : 0;
  }
}

function rowOf(name: string, standing: TracerStanding, rate: number): TracerRow {
  return {
    name,
    circuit: standing.circuit,
    rate: Math.round(rate * 10) / 10,
    pending: standing.pending,
    oldest_age: standing.oldestAge,
    retrying: standing.retrying,
    dead_letters: standing.deadLetters,
    ok: standing.ok,
    retried: standing.retried,
    dead: standing.dead,
    dropped: standing.dropped,
    skipped: standing.skipped,
  };
}
