import type { Facts, Received } from './received.ts';

/**
 * Where a receiver puts what arrives. Everything is accepted at once and in memory; before a receiver answers (with an HTTP
 * status, by acknowledging a stream entry), it waits for {@link durable}.
 */
export interface FactSink {
  /** Whether senders should come back later; nothing may be added then. */
  readonly full: boolean;
  /**
   * Accepts what came, with the facts that were read in it: in any order, repeated or not. Many are taken some at a time, so that
   * others have their turn.
   * @returns what became of each record, once all was taken; never rejects
   */
  take(received: Received, facts: Facts): Promise<readonly RecordReceipt[]>;
  /** Resolves when everything accepted so far survives a crash. @throws VconOtelError `EVENTS_LOST` */
  durable(): Promise<void>;
  /**
   * Another adapter, with a journal of its own, has read the source of facts up to now: runs that began there are told by that
   * one, or by nobody.
   */
  takenOver(): void;
  /**
   * A source says that it has a backlog: for the time being, no run is considered over just because nothing was heard of
   * it.
   */
  catchingUp(source: string, behind: boolean): void;
}

/** The outcome of a record. */
export interface RecordReceipt {
  /** `late`: its run was already over. Neither a late record nor a duplicate causes a call. */
  readonly outcome: 'accepted' | 'duplicate' | 'late';
  /**
   * Resolves when every tracer that must not miss anything (`dlq_vcon_on_error`) has heard what the record says; asks
   * for anything missing before it to be concluded rather than waited for. The caller has a deadline of its own.
   * @throws VconOtelError `TRACER_FAILED` if one of them failed for good
   */
  delivered(): Promise<void>;
}
