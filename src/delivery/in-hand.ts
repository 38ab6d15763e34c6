import type { Delivery } from '../journal/consumer.ts';
import type { ChainEvent } from '../model/event.ts';

/** The events that a tracer's worker has read and that are not settled, oldest first. */
export class InHand {
  /** Each with its number in the order of reading. */
  readonly #events = new Map<ChainEvent, number>();
  /** Attempts that earlier processes made at some of these. */
  readonly #earlier = new Map<ChainEvent, Delivery>();
  #read = 0;

  get size(): number {
    return this.#events.size;
  }

  /** Whether attempts were made at none of what is read before this process. */
  get isNew(): boolean {
    return this.#earlier.size === 0;
  }

  get oldest(): ChainEvent | undefined {
    const [oldest] = this.#events.keys();
    return oldest;
  }

  /** Everything with a lower number is settled. */
  get settledUpTo(): number {
    const [oldest = this.#read] = this.#events.values();
    return oldest;
  }

  has(event: ChainEvent): boolean {
    return this.#events.has(event);
  }

  earlier(event: ChainEvent): Delivery | undefined {
    return this.#earlier.get(event);
  }

  /** Attempts at events that are about to be read. */
  tried(attempted: ReadonlyMap<ChainEvent, Delivery>): void {
    for (const [event, delivery] of attempted) this.#earlier.set(event, delivery);
  }

  /** An event was read. @returns its number */
  read(): number {
    this.#read += 1;
    return this.#read - 1;
  }

  /** So many events were read and settled at once. */
  passed(count: number): void {
    this.#read += count;
  }

  /** An event that was read is not settled at once. */
  keep(event: ChainEvent, number: number): void {
    this.#events.set(event, number);
  }

  letGo(event: ChainEvent): void {
    if (this.#events.size > 0) this.#events.delete(event);
    if (this.#earlier.size > 0) this.#earlier.delete(event);
  }

  clear(): void {
    this.#events.clear();
    this.#earlier.clear();
  }
}
