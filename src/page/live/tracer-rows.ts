import type { PageSources, TracerStanding } from '../page-sources.ts';

/** How a tracer stands, as a line of a list. */
export interface TracerRow {
  readonly name: string;
  readonly circuit: string;
  /** Events a second that it has heard or given up lately. */
  readonly rate: number;
  /** Seconds that an attempt has taken on average, lately; null where none was made. */
  readonly latency: number | null;
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

/** What was counted at a time. */
interface Counted {
  readonly at: number;
  readonly heard: number;
  readonly attempts: number;
  readonly took: number;
}

/** Milliseconds over which rates and averages are taken. */
const LATELY = 10_000;

/** Tells how tracers stand, and how fast they hear and answer: of counts, between one time that it is asked and another. */
export class TracerRows {
  readonly #tracers: PageSources['tracers'];
  readonly #seen = new Map<string, Counted[]>();

  constructor(tracers: PageSources['tracers']) {
    this.#tracers = tracers;
  }

  /** @param now milliseconds since the Unix epoch */
  look(now: number): TracerRow[] {
    return Object.entries(this.#tracers()).map(([name, standing]) =>
      rowOf(name, standing, this.#lately(name, standing, now)),
    );
  }

  #lately(name: string, { ok, retried, dead, skipped, took }: TracerStanding, at: number) {
    const now: Counted = { at, heard: ok + dead + skipped, attempts: ok + retried + dead, took };
    // A tracer that was made anew counts from the beginning.
    const isOfNow = (one: Counted) => at - one.at < LATELY && one.heard <= now.heard;
    const before = (this.#seen.get(name) ?? []).filter(isOfNow);
    this.#seen.set(name, [...before, now]);
    const [first = now] = before;
    const attempts = now.attempts - first.attempts;
    const millis = at - first.at;
    return {
      rate: millis > 0 ? Math.round(((now.heard - first.heard) * 1e4) / millis) / 10 : 0,
      latency: attempts > 0 ? (took - first.took) / attempts : null,
    };
  }
}

function rowOf(
  name: string,
  standing: TracerStanding,
  lately: Pick<TracerRow, 'rate' | 'latency'>,
): TracerRow {
  return {
    name,
    circuit: standing.circuit,
    ...lately,
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
