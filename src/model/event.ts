import type { SpanContext } from '@opentelemetry/api';

/** Where something happens: in the chain as a whole, in one of its links, or in one of its storages. */
export type Stage = 'chain' | 'link' | 'storage';

/** How far it is. */
export type Phase = 'start' | 'complete' | 'error';

/** The nine events of the conserver's documented tracer interface. */
export type EventName = `${Stage}_${Phase}`;

/** How a run ended. `halted` is a good end: a link decided that the vCon goes no further. */
export type ChainOutcome = 'complete' | 'halted' | 'error';

/** How a link ended. */
export type LinkOutcome = 'success' | 'halt' | 'error';

/** How a storage ended. */
export type StorageOutcome = 'success' | 'error';

/**
 * One thing that happened in a run: what the journal keeps and, as the last argument of every call, what a tracer
 * is shown beside the documented arguments. Frozen, because several tracers are shown the same one.
 */
export interface ChainEvent {
  /** `<run id>/<stage>/<index or name>/<phase>`: deterministic, so a repeat is recognised. */
  readonly eventId: string;
  /** One passage of one vCon through one chain: the span id of its chain span. */
  readonly runId: string;
  readonly stage: Stage;
  readonly phase: Phase;
  readonly chain: string;
  /** The configured links of the chain, in order. */
  readonly links: readonly string[];
  /** Set on link events. */
  readonly link: string | undefined;
  /** Set on link events; 0 is the first. */
  readonly linkIndex: number | undefined;
  /** Set on storage events. */
  readonly storage: string | undefined;
  /** uuid before the step (DESIGN §4: what entered it). */
  readonly inVconUuid: string;
  /** uuid after the step; equal to `inVconUuid` where the step changed nothing. */
  readonly outVconUuid: string;
  /** Absent at the start of a step. */
  readonly outcome: ChainOutcome | LinkOutcome | StorageOutcome | undefined;
  /** Set on error events: a class name or code, never a message. */
  readonly errorType: string | undefined;
  /** When it happened, milliseconds since the Unix epoch, as the span has it. */
  readonly time: number;
  /** Duration of the step in seconds; absent at its start. */
  readonly duration: number | undefined;
  /** Of the span that this was read from. */
  readonly spanContext: SpanContext;
  /** SHA-256 (hex) of the document as it was at that moment, where whoever saw it then said so. */
  readonly vconSha256: string | undefined;
  /** Names of the facts above that were concluded rather than observed. */
  readonly inferred: readonly string[];
}

/** The documented name of an event, e.g. `link_complete`. */
export function eventName({ stage, phase }: ChainEvent): EventName {
  return EVENT_NAMES[stage][phase];
}

const EVENT_NAMES = {
  chain: { start: 'chain_start', complete: 'chain_complete', error: 'chain_error' },
  link: { start: 'link_start', complete: 'link_complete', error: 'link_error' },
  storage: { start: 'storage_start', complete: 'storage_complete', error: 'storage_error' },
} as const satisfies { [S in Stage]: { [P in Phase]: `${S}_${P}` } };

/** All nine of them. */
export const eventNames: readonly EventName[] = Object.values(EVENT_NAMES).flatMap((names) =>
  Object.values(names),
);
