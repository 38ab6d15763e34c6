import type { ErasedVcon, Mention } from '../model/erasure.ts';
import type { ChainEvent } from '../model/event.ts';

/**
 * What an operator may see and change in a journal, from a process other than the service that writes it, whether that runs
 * or not: what the command line needs. It never delays a running service, which notices the changes. Every method that reads
 * or changes the journal throws VconOtelError `FILE_UNUSABLE`, with a sentence for a person, if that is not possible.
 */
export interface JournalAdmin {
  /** The journal's name in a sentence: its path. */
  readonly name: string;
  /** See `Journal`. */
  readonly beside: string;
  /** Whether a service has the journal open, and so delivers what is queued. */
  isServed(): Promise<boolean>;
  /** Every tracer that has a position in the journal, by name. */
  tracers(): Promise<readonly string[]>;
  /** How far a tracer is at this moment. */
  stats(tracer: string): Promise<TracerPlace>;
  /**
   * What a tracer will hear next: events requested again, then the log.
   * @param limit 0 for all
   */
  eventsToHear(tracer: string, limit: number): AsyncIterable<JournalEntry>;
  /**
   * The dead letters of a tracer: given up, or answered with `false`; oldest first.
   * @param limit 0 for all
   */
  deadLetters(tracer: string, limit: number, which?: WhichDead): AsyncIterable<JournalEntry>;
  /**
   * Puts dead letters back into the queue of their tracer, with all attempts before them.
   * @throws VconOtelError `OPTIONS_INVALID` for an id that the journal does not have
   */
  retry(tracer: string, choice: Choice): Promise<Chosen>;
  /**
   * Makes a tracer never hear events that are waiting or among its dead letters.
   * @throws VconOtelError `OPTIONS_INVALID` for an id that the journal does not have
   */
  skip(tracer: string, choice: Choice): Promise<Chosen>;
  /**
   * Removes a tracer's place: its position, what waits for it and its dead letters, in short steps; the events themselves stay for
   * the others. Interrupted, it is there with less, and can be forgotten again. To be called only for a tracer that no service has: one
   * that does gets a new place, at the end of the log.
   * @throws VconOtelError `OPTIONS_INVALID` for a tracer that the journal does not know
   */
  forget(tracer: string): Promise<void>;
  /** Counts what a {@link replay} would queue. */
  planReplay(aim: ReplayAim): Promise<ReplayPlan>;
  /** Covers events up to the current end of the log. Nothing is queued before {@link Replay.queue}. */
  replay(aim: ReplayAim): Promise<Replay>;
  /**
   * The selected runs, in the order in which they began, each read when its turn comes.
   * @throws VconOtelError `OPTIONS_INVALID` if the beginning of a uuid matches several
   */
  runs(filter: RunFilter): Promise<StoredRuns>;
  /** Counts what names a vCon. */
  mentions(vcon: ErasedVcon, without: EntryWithout): Promise<readonly Mention[]>;
  /**
   * Puts a pseudonym in the place of a vCon's uuid, and forgets what its documents hashed to: what tracers have yet to hear they hear of the pseudonym.
   * @throws VconOtelError `JOURNAL_IN_USE` where a service has the journal open
   */
  erase(vcon: ErasedVcon, pseudonym: string, without: EntryWithout): Promise<void>;
  /**
   * Passes on events as they are written, until the signal. Waits for a journal that does not exist yet, and goes on with one
   * that takes its place.
   * @throws VconOtelError `FILE_UNUSABLE` if it cannot be read at the beginning
   */
  tail(settings: TailSettings): Promise<void>;
  /** Releases what it holds of the journal. Safe twice. */
  close(): Promise<void>;
}

/**
 * Puts a pseudonym in the place of a uuid in an entry of the input log, which a journal does not understand.
 * @param hashes texts that go, too
 * @returns undefined for an entry that does not name it
 */
export type EntryWithout = (
  body: Uint8Array,
  spellings: readonly string[],
  pseudonym: string,
  hashes?: readonly string[],
) => Promise<Uint8Array | undefined>;

/** How far a tracer is. */
export interface TracerPlace {
  readonly tracer: string;
  /** Everything up to here is settled. */
  readonly position: number;
  /** Events that it has yet to hear, including those that are being retried or were requested again. */
  readonly depth: number;
  /** Events of which an attempt has failed and will be made again. */
  readonly retrying: number;
  /** Attempts at these so far. */
  readonly attempts: number;
  /** Events that an operator has requested again. */
  readonly queued: number;
  /** Given up, or answered with `false`. */
  readonly deadLetters: number;
  /** Delivered and still kept, as are the next two. */
  readonly ok: number;
  readonly skipped: number;
  readonly dropped: number;
  /** When the oldest event that it has yet to hear happened, milliseconds since the Unix epoch. */
  readonly oldest: number | undefined;
}

/**
 * The state of an event at a tracer. Still open: `waiting` (not tried yet), `retry` (an attempt has failed) and `queued` (an
 * operator requested it again). Final: `ok`, `dead` – the dead letters, also those that were answered with `false` –,
 * `skipped` by an operator, `dropped` for want of room.
 */
export type EntryState = 'waiting' | 'retry' | 'queued' | 'ok' | 'dead' | 'skipped' | 'dropped';

/** An event of the journal, and its state at one tracer. */
export interface JournalEntry {
  readonly event: ChainEvent;
  readonly tracer: string;
  readonly state: EntryState;
  readonly attempts: number;
  /** When the first attempt was made, or an operator requested it; milliseconds since the Unix epoch. */
  readonly since: number | undefined;
  /** When the state was recorded; milliseconds since the Unix epoch. */
  readonly at: number | undefined;
  /** Seconds that the last attempt took. */
  readonly duration: number | undefined;
  /** Why the last attempt did not succeed. */
  readonly errorType: string | undefined;
}

/** Which of a tracer's dead letters are meant: all, where nothing is said. */
export interface WhichDead {
  /** Those with such a reason, the {@link JournalEntry.errorType}; empty where none is known. */
  readonly hasReason?: ((errorType: string) => boolean) | undefined;
}

/** Which events of a tracer an operator means: its dead letters, those of them of a vCon, or single events and runs by id. */
export type Choice =
  | ({ readonly of: 'dead' } & WhichDead)
  | ({ readonly of: 'vcon'; readonly uuid: string } & WhichDead)
  | { readonly of: 'ids'; readonly ids: readonly string[] };

/** The result of the choice. */
export interface Chosen {
  readonly changed: number;
  /** Events that were chosen but left as they are. */
  readonly left: number;
}

/** What a tracer should hear again, or for the first time. */
export interface ReplayAim {
  readonly tracer: string;
  /** Events that happened from here on, milliseconds since the Unix epoch. */
  readonly since: number | undefined;
  /** And before this. */
  readonly until: number | undefined;
  /** Of the runs that this vCon entered, left or passed through. */
  readonly vcon: string | undefined;
}

/** The size of a replay. */
export interface ReplayPlan {
  /** Events to queue. */
  readonly events: number;
  /** Events of the same choice that the tracer has yet to hear anyway. */
  readonly waiting: number;
  /** The journal has no position for the tracer yet. */
  readonly isNew: boolean;
}

/** Past events that a tracer should hear. */
export interface Replay {
  /**
   * Queues the events, in short steps. A tracer that is new to the journal gets its position.
   * @returns after each step, how many are queued so far
   */
  queue(): AsyncIterable<number>;
  /** The outcomes of the events so far. */
  look(): Promise<Replayed>;
}

/** The outcomes of the events of a replay. `gone`: removed from the journal meanwhile. */
export type Replayed = Readonly<
  Record<'queued' | 'retrying' | 'ok' | 'dead' | 'skipped' | 'dropped' | 'gone', number>
>;

/** Which runs of a journal to select. */
export interface RunFilter {
  /** At most this many, the most recent ones; 0 means all. */
  readonly limit: number;
  /** Only runs that this vCon entered, left or passed through: its uuid or the beginning of it. */
  readonly vcon?: string;
  /** Only the run with this id. */
  readonly run?: string;
}

/** The runs of a journal. */
export interface StoredRuns {
  /** There are older ones, beyond the limit. */
  readonly older: boolean;
  readonly runs: AsyncIterable<StoredRun>;
}

/** A run as stored in the journal: its events, and their states at each tracer that hears them. */
export interface StoredRun {
  readonly events: readonly ChainEvent[];
  readonly deliveries: readonly JournalEntry[];
}

/** How to follow a journal. */
export interface TailSettings {
  /** How many of the newest existing events come first. */
  readonly last: number;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Receives events in order. The next ones are read when it has resolved; it must not reject except because of the signal. */
  readonly take: (events: readonly ChainEvent[]) => Promise<void>;
  /** Gets a sentence for a person: the journal is not there, is another one, or has lost events. */
  readonly remark: (sentence: string) => void;
}
