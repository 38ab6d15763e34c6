import type { ChainEvent } from '../model/event.ts';

/**
 * Events kept until every tracer has had them: an append-only log in which each consumer (a tracer, by name) has
 * a place of its own (DESIGN §5).
 */
export interface Journal {
  /**
   * Accepts an event, synchronously. An event that is kept already, by its id, is not stored again.
   * @returns whether it was new
   */
  append(event: ChainEvent): boolean;
  /** Resolves when everything accepted so far survives what this journal is made to survive. */
  durable(): Promise<void>;
  /** The place of a consumer; made, at the end of the log, when its name is new. */
  consumer(name: string, settings: ConsumerSettings): JournalConsumer;
  /** Releases what the journal holds. Safe twice. */
  close(): Promise<void>;
}

export interface ConsumerSettings {
  /** Told of each event that this consumer will never be given, because it lagged too far behind. */
  onDrop(event: ChainEvent): void;
}

/** One consumer's place in the log. */
export interface JournalConsumer {
  /** The next events in order, at most `limit`. Each is given once and must be answered with {@link done}. */
  read(limit: number): readonly ChainEvent[];
  /** This consumer needs the event no more. */
  done(event: ChainEvent): void;
  /** Events still to be read or answered. */
  readonly depth: number;
  /** Events still to be read. */
  readonly unread: number;
  /** The oldest event not read yet. */
  readonly oldestUnread: ChainEvent | undefined;
}
