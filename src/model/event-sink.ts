import type { ChainEvent } from './event.ts';

/**
 * Where the bridge and assembly put events: each once, the events of a run in order, as early as they are certain. It never
 * throws and never makes its caller wait.
 */
export interface EventSink {
  /** Accepts the next event of a run. The first is `chain_start`, the last the chain's end. */
  accept(event: ChainEvent): void;
  /** No more events of a run will come, although its end did not: callers that wait for it are told so. */
  abandon(runId: string): void;
  /** Whether a tracer must hear every event of this chain before it may go on (`dlq_vcon_on_error`). */
  isAwaited(chain: string): boolean;
  /**
   * Resolves when everything accepted of a run so far has reached the tracers that must not miss any of it.
   * @param patiently whether the caller has a deadline of its own: then the tracers' limits (`chain_wait`) do not hold
   * @throws whatever made a delivery of this run fail for good, or that the time is up
   */
  delivered(runId: string, patiently?: boolean): Promise<void>;
  /**
   * Resolves when everything accepted so far survives what the journal is made to survive: only then may the facts behind it
   * be forgotten.
   * @throws VconOtelError `EVENTS_LOST` if some of it never will
   */
  durable(): Promise<void>;
  /** Whether callers should hold back. */
  readonly full: boolean;
  /** Resolves when it is not, or no longer, {@link full}. */
  room(): Promise<void>;
}
