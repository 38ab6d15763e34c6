import { expect } from 'vitest';

/** An entry of the input log; its number is its body. */
interface Entry {
  readonly number: number;
  /** Events that the log had before it. */
  readonly events: number;
}

/** The low watermark moved up to a number. */
interface Move {
  readonly to: number;
  /** Events that the log had before that. */
  readonly events: number;
}

/** The input log, as simply as it can be said: numbers from one on, of which the first so many are needed no more. */
export class Inputs {
  #entries: Entry[] = [];
  #moves: Move[] = [{ to: 0, events: 0 }];
  #next = 0;
  /** Up to, and without, which number entries are durable, and which is the low watermark that is. */
  #durable = 0;
  #durableLow = 0;

  /** The number of the next entry. */
  get next(): number {
    return this.#next;
  }

  get low(): number {
    return this.#moves.at(-1)?.to ?? 0;
  }

  /** The numbers from the low watermark on. */
  get needed(): number[] {
    return this.#entries.map(({ number }) => number).filter((number) => number >= this.low);
  }

  append(events: number): number {
    this.#entries.push({ number: this.#next, events });
    this.#next += 1;
    return this.#next - 1;
  }

  advance(to: number, events: number): void {
    if (to > this.low) this.#moves.push({ to, events });
  }

  /** Everything so far is durable. */
  saved(): void {
    this.#durable = this.#next;
    this.#durableLow = this.low;
    this.#moves = this.#moves.slice(-1);
  }

  /**
   * Of what was appended since, some beginning may be kept: no event before the entries before it, and no low watermark before the
   * events before it.
   * @param kept numbers of the entries that are kept
   * @param events how many the log has
   */
  accept(kept: readonly number[], events: number): void {
    const moved = this.#moves.filter((move) => move.events <= events);
    const end =
      kept.length > 0 ? (kept.at(-1) ?? 0) + 1 : Math.max(this.#durable, ...moved.map(({ to }) => to));
    const low = kept[0] ?? end;
    expect(kept, 'the input log has no gaps').toEqual(Array.from({ length: kept.length }, (_, i) => low + i));
    expect(end, 'durable entries are kept').toBeGreaterThanOrEqual(this.#durable);
    const before = this.#entries.filter((entry) => entry.events < events);
    expect(end, 'entries are kept before the events after them').toBeGreaterThanOrEqual(before.length);
    // Where all is gone, it does not matter by which move.
    if (kept.length > 0) {
      expect(low, 'a durable low watermark is kept').toBeGreaterThanOrEqual(this.#durableLow);
      expect(
        moved.map(({ to }) => to),
        'the low watermark is kept after the events before it',
      ).toContain(low);
    }
    this.#entries = this.#entries.filter(({ number }) => number < end);
    this.#moves = [{ to: low, events: 0 }];
    this.#next = end;
    this.saved();
  }

  /** The journal has forgotten. */
  clear(): void {
    this.#entries = [];
    this.#moves = [{ to: this.#next, events: 0 }];
    this.saved();
  }
}
