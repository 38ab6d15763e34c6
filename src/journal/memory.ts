import type { ChainEvent } from '../model/event.ts';
import type { ConsumerSettings, Journal, JournalConsumer } from './journal.ts';

/** The journal of a single process that may forget when it ends. */
export interface MemoryJournalSettings {
  /**
   * How many events a consumer may lag behind before it loses the oldest of them. Others are not affected.
   * Default 100,000.
   */
  readonly capacity?: number;
}

/** A {@link Journal} in memory: an event is kept once, however many consumers have still to read it. */
export function memoryJournal({ capacity = 100_000 }: MemoryJournalSettings = {}): Journal {
  return new MemoryJournal(capacity);
}

/** Shifting an array by one is linear in its length. */
const SLICE = 4_096;

class MemoryJournal implements Journal {
  readonly #capacity: number;
  readonly #consumers = new Map<string, MemoryConsumer>();
  #events: ChainEvent[] = [];
  /** Position in the log of `#events[0]`. */
  #base = 0;
  /** Of the events that are kept: what every consumer has read is forgotten, and so is its id. */
  readonly #ids = new Set<string>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  append(event: ChainEvent): boolean {
    if (this.#consumers.size === 0) return true;
    const known = this.#ids.size;
    if (this.#ids.add(event.eventId).size === known) return false;
    this.#events.push(event);
    if (this.#events.length > this.#capacity) {
      for (const consumer of this.#consumers.values()) consumer.keepUp(this.end - this.#capacity);
      this.#letGo();
    }
    return true;
  }

  async durable(): Promise<void> {}

  consumer(name: string, settings: ConsumerSettings): JournalConsumer {
    const known = this.#consumers.get(name);
    if (known) return known;
    const consumer = new MemoryConsumer(this, this.end, settings);
    this.#consumers.set(name, consumer);
    return consumer;
  }

  async close(): Promise<void> {
    this.#consumers.clear();
    this.#events = [];
  }

  /** Position after the newest event. */
  get end(): number {
    return this.#base + this.#events.length;
  }

  slice(from: number, to: number): readonly ChainEvent[] {
    const events = this.#events.slice(from - this.#base, to - this.#base);
    this.#letGo();
    return events;
  }

  at(position: number): ChainEvent | undefined {
    return this.#events[position - this.#base];
  }

  /** Forgets what every consumer has read: all at once where that is everything, else by the slice. */
  #letGo(): void {
    let position = this.end;
    for (const consumer of this.#consumers.values()) position = Math.min(position, consumer.position);
    const read = position - this.#base;
    if (position === this.end) {
      this.#events = [];
      this.#ids.clear();
    } else if (read >= SLICE)
      for (const { eventId } of this.#events.splice(0, read)) this.#ids.delete(eventId);
    else return;
    this.#base = position;
  }
}

class MemoryConsumer implements JournalConsumer {
  readonly #journal: MemoryJournal;
  readonly #settings: ConsumerSettings;
  /** Position of the next event to read. */
  position: number;
  #unanswered = 0;

  constructor(journal: MemoryJournal, position: number, settings: ConsumerSettings) {
    this.#journal = journal;
    this.position = position;
    this.#settings = settings;
  }

  read(limit: number): readonly ChainEvent[] {
    const from = this.position;
    this.position = Math.min(from + limit, this.#journal.end);
    this.#unanswered += this.position - from;
    return this.#journal.slice(from, this.position);
  }

  done(_event: ChainEvent): void {
    this.#unanswered -= 1;
  }

  get unread(): number {
    return this.#journal.end - this.position;
  }

  get depth(): number {
    return this.unread + this.#unanswered;
  }

  get oldestUnread(): ChainEvent | undefined {
    return this.#journal.at(this.position);
  }

  /** Gives up whatever lies before a position and has not been read. */
  keepUp(position: number): void {
    for (; this.position < position; this.position += 1) {
      const lost = this.#journal.at(this.position);
      if (lost) this.#settings.onDrop(lost);
    }
  }
}
