import type { SpanFact } from '../model/fact.ts';
import { toMillis } from './times.ts';

/** A time in milliseconds since the Unix epoch, from and to. */
export type Period = readonly [from: number, to: number];

/** Milliseconds that the Python server gathers spans before it sends them, and that two clocks may differ by. */
const ON_THE_WAY = 10_000;
const SKEW = 5_000;
/** Periods that are remembered, each apart from the next: hardly a run is under way in more of them. */
const MAX_KEPT = 10;

/**
 * When nobody listened. The Python server sends spans once more and then drops them, so of a run that was under way at such
 * a time what did not come says nothing.
 */
export class Unheard {
  #periods: readonly Period[] = [];
  #last: number | undefined;

  /** The periods, and when the newest that was heard happened, milliseconds since the Unix epoch. */
  get kept(): { readonly periods: readonly Period[]; readonly last: number | undefined } {
    return { periods: this.#periods, last: this.#last };
  }

  /** When the newest that was heard happened, milliseconds since the Unix epoch. */
  get last(): number | undefined {
    return this.#last;
  }

  restore({ periods, last }: Unheard['kept']): void {
    this.#periods = periods;
    this.#last = last;
  }

  hear(span: SpanFact): void {
    const end = toMillis(span.end);
    if (this.#last === undefined || end > this.#last) this.#last = end;
  }

  add(from: number, to: number): void {
    const [begin, end] = [from - ON_THE_WAY, to + SKEW];
    const last = this.#periods.at(-1);
    // Whoever refuses and takes in turns, under load, does so in one period.
    const touches = last !== undefined && begin <= last[1] && end >= last[0];
    const one: Period = touches ? [Math.min(begin, last[0]), Math.max(end, last[1])] : [begin, end];
    this.#periods = [...(touches ? this.#periods.slice(0, -1) : this.#periods.slice(1 - MAX_KEPT)), one];
  }

  /** Whether a span that has come now was under way when nobody listened. */
  overlaps({ start, end }: SpanFact): boolean {
    return this.#periods.some(([from, to]) => toMillis(start) < to && toMillis(end) > from);
  }
}
