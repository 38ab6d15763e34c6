import type { Run } from '../../model/run.ts';

/** How the last minutes of a chain were, in steps of {@link PULSE_STEP} milliseconds; the last is under way. */
export interface Pulse {
  readonly chain: string;
  readonly running: number;
  /** Runs that ended in the last minute. */
  readonly per_minute: number;
  /** Runs that ended, by how: complete, halted, error, unknown. */
  readonly ended: readonly Counts[];
  /** Seconds within which half of the last runs, and 99 of 100, were over; null while too few are known. */
  readonly p50: number | null;
  readonly p99: number | null;
}

/** Complete, halted, error, unknown. */
export type Counts = readonly [complete: number, halted: number, error: number, unknown: number];

/** Milliseconds of a step, and how many are looked back on. */
export const PULSE_STEP = 10_000;
export const PULSE_STEPS = 60;

/** Durations that are kept, and as few as say nothing of what is usual. */
const KEPT = 1_000;
const TOO_FEW = 20;
const OUTCOMES = { complete: 0, halted: 1, error: 2, unknown: 3 } as const;
const STEPS_A_MINUTE = 60_000 / PULSE_STEP;
const KINDS = Object.keys(OUTCOMES).length;

/** Counts what a chain does. Costs some additions for each run. */
export class ChainPulse {
  running = 0;
  readonly #chain: string;
  readonly #counts = new Uint32Array(PULSE_STEPS * KINDS);
  readonly #durations = new Float64Array(KEPT);
  #known = 0;
  /** The step under way, counted since the Unix epoch. */
  #step = 0;
  #usual: Pick<Pulse, 'p50' | 'p99'> = { p50: null, p99: null };
  #usualOf = 0;

  constructor(chain: string) {
    this.#chain = chain;
  }

  /** @param now milliseconds since the Unix epoch */
  ended({ outcome = 'unknown', duration = 0 }: Pick<Run, 'outcome' | 'duration'>, now: number): void {
    this.#goTo(now);
    const at = (this.#step % PULSE_STEPS) * KINDS + OUTCOMES[outcome];
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    if (outcome !== 'unknown') this.#keep(duration);
  }

  /** What runs of before took, in seconds: it counts for what is usual, and for nothing else. */
  learn(durations: readonly number[]): void {
    for (const duration of durations.slice(-KEPT)) this.#keep(duration);
  }

  /** Whether something that began then takes longer than 99 of 100 runs did, as far as {@link look} has told. */
  isStalled({ start }: Pick<Run, 'start'>, now: number): boolean {
    const { p99 } = this.#usual;
    return p99 !== null && now - start > p99 * 1e3;
  }

  /** @param steps how many of the last ones */
  look(now: number, steps = PULSE_STEPS): Pulse {
    this.#goTo(now);
    const ended = Array.from({ length: steps }, (_, index) => this.#countsOf(this.#step - steps + 1 + index));
    const [chain, running] = [this.#chain, this.running];
    return { chain, running, per_minute: this.#lastMinute(now), ended, ...this.#whatIsUsual() };
  }

  /** Of the step that the minute began in, as many as its share says. */
  #lastMinute(now: number): number {
    const gone = (now % PULSE_STEP) / PULSE_STEP;
    let count = 0;
    for (let ago = 0; ago <= STEPS_A_MINUTE; ago += 1)
      for (const some of this.#countsOf(this.#step - ago))
        count += ago === STEPS_A_MINUTE ? some * (1 - gone) : some;
    return Math.round(count);
  }

  #keep(duration: number): void {
    this.#durations[this.#known % KEPT] = duration;
    this.#known += 1;
  }

  #countsOf(step: number): Counts {
    const at = (((step % PULSE_STEPS) + PULSE_STEPS) % PULSE_STEPS) * KINDS;
    const [complete = 0, halted = 0, error = 0, unknown = 0] = this.#counts.subarray(at, at + KINDS);
    return [complete, halted, error, unknown];
  }

  #whatIsUsual(): Pick<Pulse, 'p50' | 'p99'> {
    if (this.#known < TOO_FEW || this.#known === this.#usualOf) return this.#usual;
    const sorted = this.#durations.slice(0, Math.min(this.#known, KEPT)).sort();
    const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? null;
    this.#usual = { p50: at(0.5), p99: at(0.99) };
    this.#usualOf = this.#known;
    return this.#usual;
  }

  /** Empties the steps that have passed since. A clock that was set back counts on in the last one. */
  #goTo(now: number): void {
    const step = Math.floor(now / PULSE_STEP);
    if (step <= this.#step) return;
    for (let at = Math.max(this.#step + 1, step - PULSE_STEPS + 1); at <= step; at += 1) {
      const from = (at % PULSE_STEPS) * KINDS;
      this.#counts.fill(0, from, from + KINDS);
    }
    this.#step = step;
  }
}
