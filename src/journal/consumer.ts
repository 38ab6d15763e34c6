import type { ChainEvent } from '../model/event.ts';

/** A consumer of an event log: its own queue of all events, with a position. */
export interface Consumer {
  /**
   * Returns the next events in the order of the log, at most `limit`, and none if there are none at this moment. Each event
   * is returned once and must be {@link report}ed on. Wait for one read before the next. It never rejects.
   */
  read(limit: number): Promise<ReadBatch>;
  /**
   * Records what became of events that were read, in this order. Reports are durable no later than any event appended
   * afterwards, and when the log is closed.
   */
  report(reports: readonly DeliveryReport[]): void;
  /** As {@link report}, of events that were heard at the first attempt, and the seconds that each took. */
  heard(events: readonly ChainEvent[], seconds: readonly number[]): void;
}

/** Events that were read together. */
export interface ReadBatch {
  readonly events: readonly ChainEvent[];
  /** Attempts made at some of them by earlier processes, unless an operator has requested the event again since. */
  readonly attempted: ReadonlyMap<ChainEvent, Delivery>;
}

/** What became of an event. */
export interface DeliveryReport {
  readonly event: ChainEvent;
  readonly outcome: DeliveryOutcome;
  /** Absent if no attempt was made. */
  readonly delivery: Delivery | undefined;
}

/**
 * How a delivery, or an attempt at one, ended. `failed`: `run` answered `false`. `dead`: given up, and kept among the
 * consumer's dead letters. `unheard`: the consumer does not hear this chain; nothing is recorded. `retried`: the attempt
 * failed and will be repeated, so the event is not settled; the count survives a restart.
 */
export type DeliveryOutcome = 'ok' | 'failed' | 'dead' | 'unheard' | 'retried';

/** The attempts at an event. */
export interface Delivery {
  /** Attempts so far, this one included. */
  readonly attempts: number;
  /** When the first attempt was made, milliseconds since the Unix epoch. */
  readonly since: number;
  /** Seconds that the last attempt took. */
  readonly duration: number;
  /** Why the last attempt failed, as `error.type`. */
  readonly errorType: string | undefined;
}

/** Callbacks for a consumer. None may throw. */
export interface ConsumerListener {
  /** There is something to read again, after a read that found nothing or left nothing unread. */
  onReadable(): void;
  /** The counts, at once and after every change. They are incomplete until the position is known. */
  onCounts(counts: ConsumerCounts): void;
  /** The consumer will never get these events: it lagged too far behind, or they could not be kept. */
  onDrop(events: readonly ChainEvent[]): void;
  /** An operator decided that these events, already read or about to be, must not be delivered. */
  onSkip(events: readonly ChainEvent[]): void;
}

/** The state of a consumer in numbers. */
export interface ConsumerCounts {
  /** Events that are not settled, read or not. */
  readonly depth: number;
  /** Events not read yet, including those that are not durable yet. */
  readonly unread: number;
  /** Events read since the consumer was opened. */
  readonly given: number;
  /** When the oldest unread event happened, milliseconds since the Unix epoch. */
  readonly oldestUnread: number | undefined;
  /** Dead letters that are kept. */
  readonly dead: number;
}
