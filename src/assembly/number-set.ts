import type { NumberRange } from './number-ranges.ts';

interface Range {
  from: number;
  to: number;
  /** When they were added. */
  readonly since: number;
}

/** Whole numbers, most of them in a row: what it takes to keep them grows with the gaps between them, not with how many they are. */
export class NumberSet {
  /** Ascending; no two overlap. */
  readonly #ranges: Range[] = [];
  #size = 0;

  /** @param ranges as {@link ranges} has them */
  constructor(ranges: Iterable<NumberRange> = [], since = 0) {
    for (const [from, to] of ranges) this.add(from, to, since);
  }

  /** How many numbers. */
  get size(): number {
    return this.#size;
  }

  /** Ascending. */
  get ranges(): NumberRange[] {
    return this.#ranges.map(({ from, to }) => [from, to]);
  }

  has(number: number): boolean {
    const range = this.#ranges[this.#at(number)];
    return range !== undefined && range.from <= number;
  }

  /** Adds numbers, none of which is in it. */
  add(from: number, to: number, since: number): void {
    if (to < from) return;
    this.#size += to - from + 1;
    const at = this.#at(from);
    const before = this.#ranges[at - 1];
    if (before?.to === from - 1 && before.since === since) before.to = to;
    else this.#ranges.splice(at, 0, { from, to, since });
  }

  /** Those that were added at a time or before. */
  until(time: number): NumberRange[] {
    return this.#ranges.filter(({ since }) => since <= time).map(({ from, to }) => [from, to]);
  }

  /** Takes numbers out. @returns those that were in it */
  take(from: number, to = from): NumberRange[] {
    const taken: NumberRange[] = [];
    for (let at = this.#at(from); ; ) {
      const range = this.#ranges[at];
      if (!range || range.from > to) return taken;
      const [first, last] = [Math.max(range.from, from), Math.min(range.to, to)];
      const left = [
        { ...range, to: first - 1 },
        { ...range, from: last + 1 },
      ].filter((rest) => rest.from <= rest.to);
      this.#ranges.splice(at, 1, ...left);
      this.#size -= last - first + 1;
      taken.push([first, last]);
      at += left.length;
    }
  }

  /** Takes out the lowest until so many are left. */
  bound(size: number): void {
    while (this.#size > size) {
      const [lowest] = this.#ranges;
      if (!lowest) return;
      this.take(lowest.from, Math.min(lowest.to, lowest.from + this.#size - size - 1));
    }
  }

  clear(): void {
    this.#ranges.length = 0;
    this.#size = 0;
  }

  /** The place of the first range that does not end before a number. */
  #at(number: number): number {
    let [low, high] = [0, this.#ranges.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ranges[middle]?.to ?? number) < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
