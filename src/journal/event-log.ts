import type { ChainEvent } from '../model/event.ts';
import type { Consumer, ConsumerListener } from './consumer.ts';

/**
 * Events kept until every consumer has had them: an append-only log in which each consumer (a tracer, by name) has a
 * position of its own (DESIGN §5). Batches become durable in the order in which they were appended.
 */
export interface EventLog {
  /** Whether events that consumers have yet to hear are kept when the process ends, however it ends. */
  readonly persistent: boolean;
  /**
   * Appends a batch. Consumers get its events once they are durable, except those whose ids are kept already. An event for
   * which there is no room is reported to each consumer's `onDrop`.
   * @param consumers for each repeat, the result says how far these are with it
   * @returns the repeats, once all that could be kept survives what this log is made to survive
   * @throws VconOtelError `EVENTS_LOST` if the log was closed before that; each consumer's `onDrop` is called too
   */
  append(events: readonly ChainEvent[], consumers?: readonly string[]): Promise<readonly Repeat[]>;
  /**
   * Opens the consumer with a name, once in a process. If the name is new, its position is created at the end of the log at the
   * moment of the call. While the log cannot be read, the promise is pending; it never rejects.
   */
  consumer(name: string, listener: ConsumerListener): Promise<Consumer>;
  /**
   * Closes the consumer with a name, which is told nothing more; it must not be read or reported to any more. Its place stays where the log
   * is persistent. Resolves when it can be opened again; at once where there is none.
   */
  leave(name: string): Promise<void>;
  /**
   * Watches the log. Existing news is reported at once.
   * @returns a function that ends this
   */
  observe(observer: EventLogObserver): () => void;
  /** Keeps what can be kept, then releases what the log holds. Safe twice. */
  close(): Promise<void>;
}

/** An appended event that was kept already: no consumer gets it again. */
export interface Repeat {
  readonly event: ChainEvent;
  /** How far the requested consumers are with it. */
  readonly progress: ReadonlyMap<string, Progress>;
}

/** The state of an event at a consumer. `settled`: no longer needed; `dead`: given up; `pending`: not settled yet. */
export type Progress = 'settled' | 'dead' | 'pending';

/** Each is called when there is news; none may throw. */
export interface EventLogObserver {
  onState?(state: EventLogState): void;
  /** @param detail an `error.type` or a text of ours */
  onTrouble?(trouble: JournalTrouble, detail: string): void;
}

/** What callers that append need to know about a log. */
export interface EventLogState {
  /** Callers that append should wait; never with the policy `drop`. */
  readonly full: boolean;
  /** Events that can be appended before it is {@link full}. */
  readonly room: number;
  /** The last attempt to write has failed: nothing appended now is durable before one succeeds. */
  readonly failing: boolean;
  /** The space that it takes on a disk; undefined if it has none. */
  readonly size: JournalSize | undefined;
}

/** In bytes. */
export interface JournalSize {
  readonly used: number;
  /** The space that it may take: from a share of this on, it is full. */
  readonly limit: number;
}

/** What to do when there is no room: ask callers to come back later, or drop the oldest events of the slowest consumer. */
export type OnFull = 'block' | 'drop';

/**
 * What can be wrong with a journal itself: set aside as corrupt, not writable, replaced or deleted, without what it had kept when it
 * was closed last, or so full that dead letters were removed.
 */
export type JournalTrouble =
  | 'journal_corrupt'
  | 'journal_unwritable'
  | 'journal_replaced'
  | 'journal_went_back'
  | 'journal_forgot';
