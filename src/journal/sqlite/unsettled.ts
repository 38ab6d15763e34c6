import type { ChainEvent } from '../../model/event.ts';
import type { Row, Stretch } from './row.ts';

const NOTHING: Stretch = { first: 0, events: [] };

/**
 * Events that a consumer has read and not settled: those of the log, in its order, and those that an operator requested again.
 * Most are settled right after they were read, in their order: these are only counted off.
 */
export class Unsettled {
  /** What was read last, as far as it has not been settled: from a place on. */
  #read = NOTHING;
  #from = 0;
  /** Everything before that. */
  readonly #first = new Map<ChainEvent, Row>();
  readonly #again = new Map<ChainEvent, Row>();

  get size(): number {
    return this.#read.events.length - this.#from + this.#first.size + this.#again.size;
  }

  /** The seq of the oldest event that was not requested again. */
  get oldest(): number | undefined {
    if (this.#first.size === 0)
      return this.#from < this.#read.events.length ? this.#read.first + this.#from : undefined;
    const [first] = this.#first.values();
    return first?.seq;
  }

  seqs(): number[] {
    return [...this.rows()].map(({ seq }) => seq);
  }

  *rows(): Generator<Row> {
    this.#keepRead();
    yield* this.#first.values();
    yield* this.#again.values();
  }

  /** The next events of the log. */
  add(stretch: Stretch): void {
    this.#keepRead();
    this.#read = stretch;
    this.#from = 0;
  }

  /** The next events of the log, as the file has them. */
  addRows(rows: readonly Row[]): void {
    this.#keepRead();
    for (const row of rows) this.#first.set(row.event, row);
  }

  addAgain(row: Row): void {
    this.#again.set(row.event, row);
  }

  /**
   * Settles an event, if it is the next of those of which nothing is recorded.
   * @returns its seq; undefined where it is not
   */
  pass(event: ChainEvent): number | undefined {
    const { first, events } = this.#read;
    if (events[this.#from] !== event) return undefined;
    const seq = first + this.#from;
    this.#from += 1;
    return seq;
  }

  get(event: ChainEvent): Row | undefined {
    this.#keepRead();
    return this.#again.get(event) ?? this.#first.get(event);
  }

  wasAskedFor(event: ChainEvent): boolean {
    return this.#again.has(event);
  }

  delete(event: ChainEvent): void {
    this.#keepRead();
    if (!this.#again.delete(event)) this.#first.delete(event);
  }

  /** What was read last is not settled in its order. */
  #keepRead(): void {
    const { first, events } = this.#read;
    for (; this.#from < events.length; this.#from += 1) {
      const event = events[this.#from];
      if (event) this.#first.set(event, { seq: first + this.#from, event, isRecorded: false });
    }
    this.#read = NOTHING;
    this.#from = 0;
  }
}
