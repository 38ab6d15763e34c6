import type { ChainEvent } from '../../model/event.ts';
import type { Consumer, ConsumerListener } from '../consumer.ts';
import type { EventLog, EventLogObserver, OnFull, Progress, Repeat } from '../event-log.ts';
import { eventsLost } from '../events-lost.ts';
import { Observers } from '../observers.ts';
import { MemoryConsumer, type ReadableLog } from './consumer.ts';

/** Shifting an array by one is linear in its length. */
const SLICE = 4_096;
/** Shares of the capacity from which on it is full, and down to which it has room again. */
const FULL_FROM = 0.9;
const ROOM_BELOW = 0.75;

const NO_REPEATS: readonly Repeat[] = [];
const NO_PROGRESS: ReadonlyMap<string, Progress> = new Map();
const NONE_ASKED: readonly string[] = [];

/** An {@link EventLog} in memory. Events that every consumer has read are forgotten, with their ids. */
export class MemoryLog implements EventLog, ReadableLog {
  readonly persistent = false;
  readonly #capacity: number;
  /** Events of the slowest consumer from which on it is full. */
  readonly #limit: number;
  readonly #consumers = new Map<string, MemoryConsumer>();
  readonly #observers: Observers;
  #events: ChainEvent[] = [];
  /** Position of `#events[0]`. */
  #first = 0;
  /** Of the events that are kept. */
  readonly #ids = new Set<string>();
  #isClosed = false;

  constructor(capacity: number, onFull: OnFull) {
    this.#capacity = capacity;
    this.#limit = onFull === 'block' ? Math.ceil(capacity * FULL_FROM) : Number.POSITIVE_INFINITY;
    this.#observers = new Observers({ full: false, room: this.#limit, failing: false, size: undefined });
  }

  append(
    events: readonly ChainEvent[],
    consumers: readonly string[] = NONE_ASKED,
  ): Promise<readonly Repeat[]> {
    if (this.#isClosed && events.length > 0) return Promise.reject(eventsLost());
    return Promise.resolve(this.#consumers.size === 0 ? NO_REPEATS : this.#append(events, consumers));
  }

  async consumer(name: string, listener: ConsumerListener): Promise<Consumer> {
    const known = this.#consumers.get(name);
    if (known) return known;
    const consumer = new MemoryConsumer(this, this.end, listener);
    this.#consumers.set(name, consumer);
    consumer.tell();
    return consumer;
  }

  async leave(name: string): Promise<void> {
    if (!this.#consumers.delete(name)) return;
    this.#forgetRead();
    this.#look();
  }

  observe(observer: EventLogObserver): () => void {
    return this.#observers.add(observer);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    // The end of the log stays where it is, so that unread events are still counted.
    this.#first = this.end;
    this.#events = [];
    this.#ids.clear();
    this.#consumers.clear();
    this.#look();
  }

  get end(): number {
    return this.#first + this.#events.length;
  }

  slice(from: number, to: number): readonly ChainEvent[] {
    const events = this.#events.slice(Math.max(0, from - this.#first), Math.max(0, to - this.#first));
    this.#forgetRead();
    return events;
  }

  at(position: number): ChainEvent | undefined {
    return this.#events[position - this.#first];
  }

  settled(): void {
    this.#look();
  }

  #append(events: readonly ChainEvent[], asked: readonly string[]): readonly Repeat[] {
    const before = this.end;
    let repeated: ChainEvent[] | undefined;
    for (const event of events) {
      const known = this.#ids.size;
      if (this.#ids.add(event.eventId).size > known) this.#events.push(event);
      else {
        repeated ??= [];
        repeated.push(event);
      }
    }
    const repeats = repeated ? this.#repeats(repeated, asked) : NO_REPEATS;
    if (this.#events.length > this.#capacity) {
      for (const consumer of this.#consumers.values()) consumer.keepUp(this.end - this.#capacity);
      this.#forgetRead();
    }
    this.#look();
    for (const consumer of this.#consumers.values()) consumer.appended(before);
    return repeats;
  }

  /** An event that was read counts as settled: single events are not tracked. */
  #repeats(events: readonly ChainEvent[], asked: readonly string[]): readonly Repeat[] {
    if (asked.length === 0) return events.map((event) => ({ event, progress: NO_PROGRESS }));
    const positions = new Map(this.#events.map(({ eventId }, index) => [eventId, this.#first + index]));
    return events.map((event) => {
      const position = positions.get(event.eventId) ?? 0;
      const progress = (name: string): Progress =>
        (this.#consumers.get(name)?.position ?? this.end) > position ? 'settled' : 'pending';
      return { event, progress: new Map(asked.map((name) => [name, progress(name)])) };
    });
  }

  /** Works out whether there is room, if the policy asks for it. */
  #look(): void {
    if (this.#limit === Number.POSITIVE_INFINITY) return;
    let deepest = 0;
    for (const { depth } of this.#consumers.values()) deepest = Math.max(deepest, depth);
    const isRoom = this.#observers.state.full
      ? deepest <= this.#capacity * ROOM_BELOW
      : deepest < this.#limit;
    this.#observers.changed({ full: !isRoom, room: isRoom ? this.#limit - deepest : 0 });
  }

  /** Forgets what every consumer has read: all at once if that is everything, else in slices. */
  #forgetRead(): void {
    let position = this.end;
    for (const consumer of this.#consumers.values()) position = Math.min(position, consumer.position);
    const read = position - this.#first;
    if (position === this.end) {
      this.#events = [];
      this.#ids.clear();
    } else if (read >= SLICE)
      for (const { eventId } of this.#events.splice(0, read)) this.#ids.delete(eventId);
    else return;
    this.#first = position;
  }
}
