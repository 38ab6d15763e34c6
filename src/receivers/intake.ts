import type { ForwardedRecord } from './forwarded-record.ts';
import type { ReceivedSpan } from './received-span.ts';

/**
 * What a receiver is handed: where that which arrives goes. Everything is accepted at once and in memory; whoever answers
 * for it (an HTTP status, an acknowledged stream entry) waits for {@link durable} first.
 */
export interface Intake {
  /** Whether whoever sends should come back later: nothing is to be handed in then. */
  readonly full: boolean;
  /** Takes spans of the conserver, in any order, repeated or not. Never throws. */
  spans(spans: readonly ReceivedSpan[]): void;
  /** Takes a record, repeated or not. Never throws. */
  record(record: ForwardedRecord): RecordReceipt;
  /** Resolves when everything that was handed in so far survives a crash. @throws VconOtelError `EVENTS_LOST` */
  durable(): Promise<void>;
  /**
   * A source says that it has more to hand in than it can at once: runs are not taken to be over for the time being, only
   * because nothing was heard of them.
   */
  catchingUp(source: string, behind: boolean): void;
}

/** What became of a record. */
export interface RecordReceipt {
  /** `late`: its run was over. Neither it nor a duplicate causes a call. */
  readonly outcome: 'accepted' | 'duplicate' | 'late';
  /**
   * Resolves when every tracer that must not miss anything (`dlq_vcon_on_error`) has heard what the record tells; asks
   * for what is missing before it to be concluded rather than waited for.
   * @throws VconOtelError `TRACER_FAILED` where one of them failed for good
   */
  delivered(): Promise<void>;
}
