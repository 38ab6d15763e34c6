import type { ChainEvent } from '../../model/event.ts';
import { bounded } from '../../model/memory.ts';

/** Events that are kept for consumers that are not far behind. */
const SIZE = bounded(10_000, 1 / 16, 4_000);
/** Shifting an array by one is linear in its length. */
const SLICE = 100;

/** The newest durable events of the log, so that a consumer that keeps up never waits for the file. */
export class Window {
  #events: ChainEvent[] = [];
  #first: number;

  /** @param last the seq of the newest event, which is not here */
  constructor(last: number) {
    this.#first = last + 1;
  }

  /** The seq of the oldest event that is here; beyond the end of the log where none is. */
  get first(): number {
    return this.#first;
  }

  at(seq: number): ChainEvent | undefined {
    return this.#events[seq - this.#first];
  }

  /** The events from one seq on, `limit` at most; none where the first of them is not here. */
  from(seq: number, limit: number): readonly ChainEvent[] {
    const at = seq - this.#first;
    return at < 0 ? [] : this.#events.slice(at, at + limit);
  }

  /** Adds the newest event. */
  add(seq: number, event: ChainEvent): void {
    if (seq !== this.#first + this.#events.length) {
      this.#events = [];
      this.#first = seq;
    }
    this.#events.push(event);
  }

  /** Lets go of what everybody has read, and of what is too much. */
  trim(read: number): void {
    const over = Math.max(this.#events.length - SIZE, Math.min(read, this.#end - 1) - this.#first + 1);
    if (over < SLICE && over < this.#events.length) return;
    this.#events.splice(0, over);
    this.#first += over;
  }

  get #end(): number {
    return this.#first + this.#events.length;
  }
}
