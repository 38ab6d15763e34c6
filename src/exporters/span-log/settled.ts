/** From a number up to, and without, another. */
export type SettledRange = readonly [from: number, to: number];

/** Which numbers are settled: all below a position, and ranges beyond it. */
export class Settled {
  #position: number;
  /** Ascending, apart from one another and from the position. */
  #beyond: SettledRange[] = [];

  constructor(position: number, beyond: readonly SettledRange[] = []) {
    this.#position = position;
    for (const range of beyond) this.add(range);
  }

  get position(): number {
    return this.#position;
  }

  get beyond(): readonly SettledRange[] {
    return this.#beyond;
  }

  /** How many of the numbers of a range are not settled. */
  open([from, to]: SettledRange): number {
    let open = Math.max(0, to - Math.max(from, this.#position));
    for (const [first, end] of this.#beyond) open -= Math.max(0, Math.min(to, end) - Math.max(from, first));
    return open;
  }

  has(number: number): boolean {
    return this.open([number, number + 1]) === 0;
  }

  add([from, to]: SettledRange): void {
    if (to <= this.#position || to <= from) return;
    const apart: SettledRange[] = [];
    let [first, end] = [from, to];
    for (const range of this.#beyond) {
      if (range[1] < first || range[0] > end) apart.push(range);
      else [first, end] = [Math.min(first, range[0]), Math.max(end, range[1])];
    }
    if (first <= this.#position) this.#position = end;
    else apart.push([first, end]);
    this.#beyond = apart.sort((a, b) => a[0] - b[0]);
  }

  /** Adds single numbers. */
  addAll(numbers: readonly number[]): void {
    let from = Number.NaN;
    let to = Number.NaN;
    for (const number of numbers.toSorted((a, b) => a - b)) {
      if (number !== to) {
        if (from < to) this.add([from, to]);
        from = number;
      }
      to = number + 1;
    }
    if (from < to) this.add([from, to]);
  }
}
