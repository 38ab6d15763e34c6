import type { ChainEvent } from '../../model/event.ts';
import type { Row } from './row.ts';

/**
 * Events that a consumer has read and not settled: those of the log, in its order, and those that an operator requested again.
 * Most are settled right after they were read, in their order: these are only counted off.
 */
export class Unsettled {
  /** What was read last, as far as it has not been settled: from a place on. */
  #read: readonly Row[] = [];
  #from = 0;
  /** Everything before that. */
  readonly #first = new Map<ChainEvent, Row>();
  readonly #again = new Map<ChainEvent, Row>();

  get size(): number {
    return this.#read.length - this.#from + this.#first.size + this.#again.size;
  }

  /** The seq of the oldest event that was not requested again. */
  get oldest(): number | undefined {
    if (this.#first.size === 0) return this.#read[this.#from]?.seq;
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
  add(rows: readonly Row[]): void {
    this.#keepRead();
    this.#read = rows;
    this.#from = 0;
  }

  addAgain(row: Row): void {
    this.#again.set(row.event, row);
  }

  get(event: ChainEvent): Row | undefined {
    const next = this.#read[this.#from];
    if (next?.event === event) return next;
    const known = this.#again.get(event) ?? this.#first.get(event);
    if (known || !next) return known;
    this.#keepRead();
    return this.#first.get(event);
  }

  /** The event's, which is settled now. */
  take(event: ChainEvent): Row | undefined {
    const row = this.get(event);
    if (row) this.delete(event);
    return row;
  }

  wasAskedFor(event: ChainEvent): boolean {
    return this.#again.has(event);
  }

  delete(event: ChainEvent): void {
    if (this.#read[this.#from]?.event === event) this.#from += 1;
    else if (!this.#again.delete(event)) {
      this.#keepRead();
      this.#first.delete(event);
    }
  }

  /** What was read last is not settled in its order. */
  #keepRead(): void {
    for (; this.#from < this.#read.length; this.#from += 1) {
      const row = this.#read[this.#from];
      if (row) this.#first.set(row.event, row);
    }
  }
}
