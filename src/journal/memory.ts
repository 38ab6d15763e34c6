import type { ChainEvent } from '../model/event.ts';
import type {
  ConsumerSettings,
  Inbox,
  Journal,
  JournalConsumer,
  JournalListener,
  OnFull,
} from './journal.ts';

/** The journal of a single process that may forget when it ends. */
export interface MemoryJournalSettings {
  /**
   * How many events a consumer may lag behind before it loses the oldest of them. Others are not affected.
   * Default 100,000.
   */
  readonly capacity?: number;
  /**
   * `block`: asks whoever feeds it to come back later before any consumer is at its capacity. Who does not is accepted
   * all the same, and beyond the capacity it drops. Default `drop`.
   */
  readonly onFull?: OnFull;
}

/** A {@link Journal} in memory: an event is kept once, however many consumers have still to read it. */
export function memoryJournal({ capacity = 100_000, onFull = 'drop' }: MemoryJournalSettings = {}): Journal {
  return new MemoryJournal(capacity, onFull);
}

/** Shifting an array by one is linear in its length. */
const SLICE = 4_096;
/** Shares of the capacity from which on it is full, and down to which it has room again. */
const FULL_FROM = 0.9;
const ROOM_BELOW = 0.75;

class MemoryJournal implements Journal {
  readonly persistent = false;
  readonly failing = false;
  readonly size = undefined;
  readonly #capacity: number;
  readonly #onFull: OnFull;
  readonly #consumers = new Map<string, MemoryConsumer>();
  #events: ChainEvent[] = [];
  /** Position in the log of `#events[0]`. */
  #base = 0;
  /** Of the events that are kept: what every consumer has read is forgotten, and so is its id. */
  readonly #ids = new Set<string>();
  #listener: JournalListener | undefined;
  #full = false;
  #waiting: (() => void)[] = [];

  constructor(capacity: number, onFull: OnFull) {
    this.#capacity = capacity;
    this.#onFull = onFull;
  }

  append(event: ChainEvent): void {
    if (this.#consumers.size === 0) return;
    const known = this.#ids.size;
    if (this.#ids.add(event.eventId).size === known) {
      this.#listener?.onRepeat(event, async () => 'settled');
      return;
    }
    this.#events.push(event);
    if (this.#events.length > this.#capacity) {
      for (const consumer of this.#consumers.values()) consumer.keepUp(this.end - this.#capacity);
      this.#letGo();
    }
    if (this.#onFull === 'block' && !this.#full) this.#full = this.#deepest() >= this.#capacity * FULL_FROM;
    for (const consumer of this.#consumers.values()) if (consumer.unread === 1) consumer.wake();
  }

  async durable(): Promise<void> {}

  get full(): boolean {
    return this.#full;
  }

  async room(): Promise<void> {
    if (this.#full) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  consumer(name: string, settings: ConsumerSettings): JournalConsumer {
    const known = this.#consumers.get(name);
    if (known) return known;
    const consumer = new MemoryConsumer(this, this.end, settings);
    this.#consumers.set(name, consumer);
    return consumer;
  }

  /** Whoever puts something in has it in memory too. */
  async openInbox(): Promise<Inbox> {
    let last = 0;
    return {
      found: [],
      put: () => {
        last += 1;
        return last;
      },
      rename: () => {},
      remove: () => {},
    };
  }

  listen(listener: JournalListener): void {
    this.#listener = listener;
  }

  async close(): Promise<void> {
    // The end of the log stays where it is: consumers may still be asked what they did not read.
    this.#base = this.end;
    this.#events = [];
    this.#ids.clear();
    this.#consumers.clear();
    this.#makeRoom();
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

  /** A consumer needs an event no more. */
  settled(): void {
    if (this.#full && this.#deepest() <= this.#capacity * ROOM_BELOW) this.#makeRoom();
  }

  #makeRoom(): void {
    this.#full = false;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** The depth of the slowest consumer. */
  #deepest(): number {
    let deepest = 0;
    for (const { depth } of this.#consumers.values()) deepest = Math.max(deepest, depth);
    return deepest;
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
  /** Dead letters are counted and logged by whoever gives them up; there is no place to keep them. */
  readonly dead = 0;
  readonly #journal: MemoryJournal;
  readonly #settings: ConsumerSettings;
  /** Position of the next event to read. */
  position: number;
  #unsettled = 0;

  constructor(journal: MemoryJournal, position: number, settings: ConsumerSettings) {
    this.#journal = journal;
    this.position = position;
    this.#settings = settings;
  }

  read(limit: number): readonly ChainEvent[] {
    const from = this.position;
    const to = Math.min(from + limit, this.#journal.end);
    this.position = to;
    const events = this.#journal.slice(from, to);
    this.#unsettled += events.length;
    return events;
  }

  attemptsAt(): undefined {
    return undefined;
  }

  /** There is no other process that would have to go on counting. */
  retry(): void {}

  settle(): void {
    this.#unsettled -= 1;
    this.#journal.settled();
  }

  get unread(): number {
    return this.#journal.end - this.position;
  }

  get depth(): number {
    return this.unread + this.#unsettled;
  }

  get oldestUnread(): number | undefined {
    return this.#journal.at(this.position)?.time;
  }

  /** There is something to read again. */
  wake(): void {
    this.#settings.onReadable();
  }

  /** Gives up whatever lies before a position and has not been read. */
  keepUp(position: number): void {
    for (; this.position < position; this.position += 1) {
      const lost = this.#journal.at(this.position);
      if (lost) this.#settings.onDrop(lost);
    }
  }
}
