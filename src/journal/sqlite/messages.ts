import type { Progress } from '../event-log.ts';
import type { InputBlock } from './input-block.ts';
import type { ConsumerId } from './writer/schema.ts';

/** What the thread is started with. */
export interface WriterData {
  readonly path: string;
  /** Milliseconds that settled events are kept. */
  readonly retention: number;
  /** Bytes that the journal may take. */
  readonly maxSize: number;
  /** Milliseconds that consumers which are not there keep what they have still to hear. */
  readonly patience: number;
  readonly time: Time;
  /** What a thread before this one knew: the last seq that was given, and the consumers that are there. */
  readonly last: number;
  readonly consumers: readonly (readonly [ConsumerId, string])[];
}

/** An answer to an event, flat: consumer, seq, state, attempts, since, at, duration, error type; again and again. */
export type FlatAnswers = readonly (string | number | null)[];

/** What the journal asks of its writer. Answered one after the other, in order. */
export type WriterRequest =
  /** Saves as one transaction. The queries see the answers, and not the events. */
  | ({ readonly ask: 'commit' } & Commit)
  /** `end` is where the log ended when the consumer was made. */
  | { readonly ask: 'attach'; readonly name: string; readonly end: number }
  /** A consumer is not there any more. */
  | { readonly ask: 'detach'; readonly consumer: ConsumerId }
  /** Reads on in the log, after one seq and up to another. */
  | { readonly ask: 'page'; readonly consumer: ConsumerId; readonly after: number; readonly upTo: number }
  /** Where the input log begins and ends. */
  | { readonly ask: 'input' }
  /** Reads on in the input log, from a place on: so many bytes, and one block at least. */
  | { readonly ask: 'entries'; readonly from: number; readonly bytes: number }
  /** To be asked now and then: looks at the file, at what others have written, and at what can be removed. */
  | { readonly ask: 'turn'; readonly time: Time }
  | { readonly ask: 'close' };

/** What one transaction saves. */
export interface Commit {
  readonly answers: FlatAnswers;
  /** What was heard at the first attempt, flat: consumer, seq, `markOf`. */
  readonly heard: Float64Array<ArrayBuffer>;
  readonly positions: readonly (readonly [ConsumerId, number])[];
  readonly queries: readonly Query[];
  /** See `pageOf`; undefined where there are none. */
  readonly events: Uint8Array | undefined;
  /** Entries of the input log; undefined where there are none. */
  readonly entries: InputBlock | undefined;
  /** Where the input log is to begin, if that changes. */
  readonly lowWatermark: number | undefined;
  readonly time: Time;
}

/** What time it is for the writer, which has no clock of its own. */
export interface Time {
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  /** Milliseconds on a clock that nobody sets. */
  readonly elapsed: number;
}

/** What a consumer wants to know of the file as it is when all its answers so far are in it. */
export type Query =
  /** What an operator asked for again, after one seq and up to another. */
  | { readonly query: 'again'; readonly consumer: ConsumerId; readonly after: number; readonly upTo: number }
  /** How far it is, as other processes may have changed it. */
  | {
      readonly query: 'changes';
      readonly consumer: ConsumerId;
      /** It has read the log up to here. */
      readonly cursor: number;
      /** Has read, and not settled. */
      readonly unsettled: readonly number[];
      /** From here on events are in memory. */
      readonly first: number;
    }
  /** How far consumers are with events. */
  | {
      readonly query: 'progress';
      readonly consumers: readonly ConsumerId[];
      readonly seqs: readonly number[];
    };

/** What was found, of a query of the same name. */
export type QueryResult =
  | ({ readonly query: 'again' } & StoredRows)
  | {
      readonly query: 'changes';
      /** Still to be read: of the log, and of what was asked for again. */
      readonly ahead: number;
      readonly again: number;
      readonly dead: number;
      /** Skipped, of what is unsettled or in memory; and asked for again. */
      readonly skipped: readonly number[];
      readonly asked: readonly number[];
    }
  /** For each consumer, of each event. */
  | { readonly query: 'progress'; readonly progress: readonly (readonly Progress[])[] };

/** Events of the log, as their consumer has them. */
export interface StoredRows {
  /** Pages of the log, or made of some of its events. */
  readonly pages: readonly Uint8Array[];
  readonly rows: readonly StoredRow[];
}

/** An event: in which of the pages it is, and where; its seq, and what happened to it before. */
export interface StoredRow {
  readonly page: number;
  readonly at: number;
  readonly seq: number;
  /** Attempts so far; 0 if there were none. */
  readonly attempts: number;
  /** 0 if nothing is recorded of it. */
  readonly since: number;
  readonly errorType: string | undefined;
}

export type WriterReply =
  | {
      readonly of: 'commit';
      /** The seq of the newest event before, and now: new events follow in their order. */
      readonly before: number;
      readonly last: number;
      /** Events that were kept already, by their place in the page: their seqs. */
      readonly repeats: ReadonlyMap<number, number>;
      readonly findings: readonly QueryResult[];
      readonly usage: number;
    }
  | {
      readonly of: 'attach';
      readonly name: string;
      readonly consumer: ConsumerId;
      readonly position: number;
      /** Events after the position that are not settled, and when the oldest of them happened. */
      readonly pending: number;
      readonly oldest: number | undefined;
      /** Asked for again, up to the position. */
      readonly queued: number;
      readonly dead: number;
    }
  | { readonly of: 'detach'; readonly consumer: ConsumerId }
  /** `upTo` is how far was looked; what is not among the rows is settled. */
  | ({ readonly of: 'page'; readonly upTo: number } & StoredRows)
  /** `end` is the place of the next entry. */
  | { readonly of: 'input'; readonly lowWatermark: number; readonly end: number }
  | { readonly of: 'entries'; readonly blocks: readonly InputBlock[] }
  | { readonly of: 'turn' }
  | { readonly of: 'close' }
  /** The request could not be carried out; nothing of it has been done. */
  | { readonly of: 'failure'; readonly code: string };

/** A journal's file, as it was opened. */
export interface Opened {
  /** The seq of the newest event. */
  readonly last: number;
  /** See `Journal`. */
  readonly id: string;
}

/** What the writer says without being asked. */
export type Notice =
  /** It is there; or could not be, for a reason as a VconOtelError has it. */
  | ({ readonly notice: 'open' } & Opened)
  | { readonly notice: 'unusable'; readonly code: string; readonly message: string }
  /** What was in the file up to now is not any more; or is, in another file. */
  | { readonly notice: 'corrupt' | 'replaced' | 'went_back'; readonly detail: string }
  /** Some events cannot be read any more. */
  | { readonly notice: 'lost'; readonly detail: string }
  /** Another process has written. */
  | { readonly notice: 'changed' }
  /** How full the journal is, 1 being its limit. */
  | { readonly notice: 'usage'; readonly usage: number }
  /** Dead letters that were removed for want of room. */
  | { readonly notice: 'forgot'; readonly dead: number };
