import type { ChainEvent } from '../model/event.ts';

/**
 * Events kept until every tracer has had them: an append-only log in which each consumer (a tracer, by name) has
 * a place of its own (DESIGN §5). Everything that is called on the hot path answers at once; what takes time – a
 * disk, a server – happens behind it, and the listeners are told.
 */
export interface Journal {
  /** Whether what consumers have still to hear is kept when the process ends, however it ends. */
  readonly persistent: boolean;
  /**
   * Accepts an event. Never throws and never waits: what cannot be kept is told to each consumer's `onDrop`.
   * A consumer is given it once it is durable. One that is kept already, by its id, is not stored again.
   */
  append(event: ChainEvent): void;
  /**
   * Resolves when everything accepted so far survives what this journal is made to survive.
   * @throws VconOtelError `EVENTS_LOST` where the journal was closed while it could not be written: some of it was given up
   */
  durable(): Promise<void>;
  /** Whether whoever feeds the journal should come back later; never with the policy `drop`. */
  readonly full: boolean;
  /** Resolves when the journal is not {@link full} (any more). */
  room(): Promise<void>;
  /** What it takes of a disk; undefined where it has none. */
  readonly size: JournalSize | undefined;
  /** Whether the last try to write has failed: what is accepted now is not durable before one succeeds. */
  readonly failing: boolean;
  /** The place of a consumer; made, at the end of the log, when its name is new. */
  consumer(name: string, settings: ConsumerSettings): JournalConsumer;
  /**
   * Opens what is kept beside the log for whoever makes events of it: receivers answer for what they have accepted before
   * all of it can become events. To be called once.
   */
  openInbox(): Promise<Inbox>;
  /** Whom to tell of what is not about a single consumer. What there was to tell before is told now. */
  listen(listener: JournalListener): void;
  /** Keeps what can be kept, then releases what the journal holds. Safe twice. */
  close(): Promise<void>;
}

/** In bytes. */
export interface JournalSize {
  readonly used: number;
  /** What it may take: from a share of this on it is {@link Journal.full}. */
  readonly limit: number;
}

/** Texts that are kept until they are removed, as durable as the log ({@link Journal.durable}). */
export interface Inbox {
  /** What a process before this one left, oldest first. */
  readonly found: readonly InboxEntry[];
  /**
   * Keeps a text.
   * @param runId the run that it is about: as long as it is there, the events of this run stay in the log, and repeats of
   * them are recognised
   * @returns the id by which it is removed
   */
  put(body: string, runId?: string): number;
  /** What was put for one run is about another. */
  rename(runId: string, to: string): void;
  /** Removes what was put. It takes effect together with the events that were appended before, or after them. */
  remove(id: number): void;
}

export interface InboxEntry {
  readonly id: number;
  readonly runId: string | undefined;
  readonly body: string;
}

/** What to do when there is no room: ask to come back later, or give up the oldest events of the slowest consumer. */
export type OnFull = 'block' | 'drop';

/**
 * What can be wrong with a journal itself: set aside as corrupt, not writable, gone from under us, or so full that dead
 * letters were removed.
 */
export type JournalTrouble = 'journal_corrupt' | 'journal_unwritable' | 'journal_replaced' | 'journal_forgot';

/** `settled`: needed no more, `dead`: given up, `pending`: still to be settled. */
export type RepeatStanding = 'settled' | 'dead' | 'pending';

export interface JournalListener {
  /**
   * An accepted event turned out to be kept already: no consumer is given it again.
   * @param standing finds out what became of it at a consumer; it never rejects, and resolves before anything that is
   * accepted afterwards is durable
   */
  onRepeat(event: ChainEvent, standing: (consumer: string) => Promise<RepeatStanding>): void;
  /** @param detail an `error.type` or a sentence of ours */
  onTrouble(trouble: JournalTrouble, detail: string): void;
}

export interface ConsumerSettings {
  /** There may be something to {@link JournalConsumer.read} again. */
  onReadable(): void;
  /** This consumer will never be given the event: it lagged too far behind, or the event could not be kept. */
  onDrop(event: ChainEvent): void;
  /** An operator decided that an event in this consumer's hands, or the next to be read, is not to be delivered. */
  onSkip(event: ChainEvent): void;
}

/** How a delivery ended. `failed`: `run` answered `false`. `dead`: given up; kept among the consumer's dead letters. */
export type DeliveryOutcome = 'ok' | 'failed' | 'dead' | 'unheard';

/** What became of an event that a consumer was given. */
export interface Delivery {
  /** Attempts so far, this one included. */
  readonly attempts: number;
  /** When the first attempt was made, milliseconds since the Unix epoch. */
  readonly since: number;
  /** Seconds that the last attempt took. */
  readonly duration: number;
  /** Why the last attempt did not succeed, as `error.type`. */
  readonly errorType: string | undefined;
}

/** One consumer's place in the log. */
export interface JournalConsumer {
  /** The next events in the order of the log, at most `limit`. Each is given once and must be {@link settle}d. */
  read(limit: number): readonly ChainEvent[];
  /** Attempts that were made at an event before this process; none where an operator has asked for it again since. */
  attemptsAt(event: ChainEvent): Delivery | undefined;
  /** An attempt has failed and will be made again: kept, so that a restart goes on counting. */
  retry(event: ChainEvent, delivery: Delivery): void;
  /**
   * This consumer needs the event no more. `unheard` is for a chain that it does not hear: nothing is recorded. What was
   * settled is durable at the latest with any event that is appended afterwards.
   */
  settle(event: ChainEvent, outcome: DeliveryOutcome, delivery?: Delivery): void;
  /** Events still to be read or settled. */
  readonly depth: number;
  /** Events still to be read. */
  readonly unread: number;
  /** When the oldest unread event happened, milliseconds since the Unix epoch. */
  readonly oldestUnread: number | undefined;
  /** Dead letters that are kept. */
  readonly dead: number;
}
