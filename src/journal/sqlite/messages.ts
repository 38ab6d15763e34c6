import type { InboxEntry, RepeatStanding } from '../journal.ts';
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
  /** What a thread before this one knew: the last seq that was given, and the consumers that are there. */
  readonly last: number;
  readonly consumers: readonly (readonly [ConsumerId, string])[];
}

/** An answer to an event, flat: consumer, seq, state, attempts, since, at, duration, error type; again and again. */
export type FlatAnswers = readonly (string | number | null)[];

/** What the journal asks of its writer. Answered one after the other, in order. */
export type Request =
  /**
   * Saves as one transaction: answers, positions, events (flat, six fields each: `StoredEvent`) and changes of the
   * inbox (flat, three fields each: `InboxChange`). The queries see the answers, and not the events.
   */
  | {
      readonly ask: 'commit';
      readonly events: readonly (string | number)[];
      readonly inbox: readonly (string | number | null)[];
      readonly answers: FlatAnswers;
      readonly positions: readonly (readonly [ConsumerId, number])[];
      readonly queries: readonly Query[];
    }
  /** `end` is where the log ended when the consumer was made. */
  | { readonly ask: 'attach'; readonly name: string; readonly end: number }
  /** Reads on in the log, after one seq and up to another. */
  | { readonly ask: 'page'; readonly consumer: ConsumerId; readonly after: number; readonly upTo: number }
  /** Reads on in the inbox, after one id. */
  | { readonly ask: 'inbox'; readonly after: number }
  | { readonly ask: 'close' };

/** What a consumer wants to know of the file as it is when all its answers so far are in it. */
export type Query =
  /** What an operator asked for again, after one seq and up to another. */
  | { readonly query: 'again'; readonly consumer: ConsumerId; readonly after: number; readonly upTo: number }
  /** Where it stands, as other processes may have changed it. */
  | {
      readonly query: 'standing';
      readonly consumer: ConsumerId;
      /** It has read the log up to here. */
      readonly cursor: number;
      /** Has read, and not settled. */
      readonly inHand: readonly number[];
      /** From here on events are in memory. */
      readonly first: number;
    }
  /** What became of an event. */
  | { readonly query: 'settled'; readonly consumer: ConsumerId; readonly seq: number };

/** A change of the inbox: `[id, run or null, text]` puts, `[id, null, null]` removes, `[0, run, other run]` renames. */
export type InboxChange = readonly [number, string | null, string | null];

/** What was found, of a query of the same name. */
export type Finding =
  | { readonly query: 'again'; readonly rows: readonly PageRow[] }
  | SettledFinding
  | {
      readonly query: 'standing';
      /** Still to be read: of the log, and of what was asked for again. */
      readonly ahead: number;
      readonly again: number;
      readonly dead: number;
      /** Skipped, of what is in hand or in memory; and asked for again. */
      readonly skipped: readonly number[];
      readonly asked: readonly number[];
    };

/** What became of an event at a consumer. */
export interface SettledFinding {
  readonly query: 'settled';
  readonly standing: RepeatStanding;
}

/** An event of a page: what `decode` takes, its place, and what happened to it before. */
export interface PageRow {
  readonly seq: number;
  readonly event: readonly [string, string, string, string, number, string];
  /** Attempts so far; 0 if there were none. */
  readonly attempts: number;
  /** 0 if nothing is recorded of it. */
  readonly since: number;
  readonly errorType: string | undefined;
}

export type Reply =
  /** `seqs` of the events in their order; one that was kept already has its old seq. */
  | {
      readonly of: 'commit';
      readonly seqs: readonly number[];
      readonly findings: readonly Finding[];
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
  /** `upTo` is how far was looked; what is not among the rows is settled. */
  | { readonly of: 'page'; readonly rows: readonly PageRow[]; readonly upTo: number }
  /** The last page is empty. */
  | { readonly of: 'inbox'; readonly entries: readonly InboxEntry[] }
  | { readonly of: 'close' }
  /** The request could not be carried out; nothing of it has been done. */
  | { readonly of: 'failure'; readonly code: string };

/** What the writer says without being asked. */
export type Notice =
  /** It is there, with `last` the newest seq; or could not be, for a reason as a VconOtelError has it. */
  | { readonly notice: 'open'; readonly last: number }
  | { readonly notice: 'unusable'; readonly code: string; readonly message: string }
  /** What was in the file up to now is not any more; or is, in another file. */
  | { readonly notice: 'corrupt' | 'replaced'; readonly detail: string }
  /** Another process has written. */
  | { readonly notice: 'changed' }
  /** How full the journal is, 1 being its limit. */
  | { readonly notice: 'usage'; readonly usage: number }
  /** Dead letters that were removed for want of room. */
  | { readonly notice: 'forgot'; readonly dead: number };
