import type { ChainEvent } from '../../model/event.ts';
import type { Consumer, ConsumerListener, Delivery, DeliveryReport, ReadBatch } from '../consumer.ts';

/** The log, as its consumers see it. */
export interface ReadableLog {
  /** Position after the newest event. */
  readonly end: number;
  /** The events from one position up to, but not including, another; a consumer has read them now. */
  slice(from: number, to: number): readonly ChainEvent[];
  at(position: number): ChainEvent | undefined;
  /** A consumer has settled events. */
  settled(): void;
}

/** No other process could have made any. */
const NO_ATTEMPTS: ReadonlyMap<ChainEvent, Delivery> = new Map();

/** One consumer of a log in memory. */
export class MemoryConsumer implements Consumer {
  readonly #log: ReadableLog;
  readonly #listener: ConsumerListener;
  /** Position of the next event to read. */
  #position: number;
  #given = 0;
  #unsettled = 0;

  constructor(log: ReadableLog, position: number, listener: ConsumerListener) {
    this.#log = log;
    this.#position = position;
    this.#listener = listener;
  }

  get position(): number {
    return this.#position;
  }

  /** Events that are not settled, read or not. */
  get depth(): number {
    return this.#unread + this.#unsettled;
  }

  read(limit: number): Promise<ReadBatch> {
    const from = this.#position;
    const to = Math.min(from + limit, this.#log.end);
    this.#position = to;
    const events = this.#log.slice(from, to);
    this.#given += events.length;
    this.#unsettled += events.length;
    if (to > from) this.tell();
    return Promise.resolve({ events, attempted: NO_ATTEMPTS });
  }

  report(reports: readonly DeliveryReport[]): void {
    let settled = 0;
    for (const { outcome } of reports) if (outcome !== 'retried') settled += 1;
    if (settled > 0) this.#settled(settled);
  }

  heard(events: readonly ChainEvent[]): void {
    this.#settled(events.length);
  }

  #settled(count: number): void {
    this.#unsettled -= count;
    this.#log.settled();
    this.tell();
  }

  /** Reports its counts. */
  tell(): void {
    this.#listener.onCounts({
      depth: this.depth,
      unread: this.#unread,
      given: this.#given,
      oldestUnread: this.#log.at(this.#position)?.time,
      // Delivery counts and logs them; there is no place to keep them.
      dead: 0,
    });
  }

  /** The log has grown; before that it ended here. */
  appended(end: number): void {
    if (this.#log.end === end) return;
    this.tell();
    if (this.#position >= end) this.#listener.onReadable();
  }

  /** Drops unread events before a position. */
  keepUp(position: number): void {
    const lost: ChainEvent[] = [];
    for (; this.#position < position; this.#position += 1) {
      const event = this.#log.at(this.#position);
      if (event) lost.push(event);
    }
    if (lost.length > 0) this.#listener.onDrop(lost);
  }

  get #unread(): number {
    return this.#log.end - this.#position;
  }
}
