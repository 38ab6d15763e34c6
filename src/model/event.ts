import type { SpanContext } from '@opentelemetry/api';

/** Where something happens: in the chain as a whole, in one of its links, or in one of its storages. */
export type Stage = 'chain' | 'link' | 'storage';

/** How far it has got. */
export type Phase = 'start' | 'complete' | 'error';

/** The nine events of the conserver's documented tracer interface, and one of ours, for a chain whose end cannot be known. */
export type EventName = `${Stage}_${Phase}` | 'chain_lost';

/**
 * How a run ended. `halted` is a good end: a link decided that the vCon goes no further. `unknown`: nobody can know, or
 * it ended well but nobody can know which of the two ways.
 */
export type ChainOutcome = 'complete' | 'halted' | 'error' | 'unknown';

/** How a link ended. `unknown`: without error, and nobody can know whether it halted the chain. */
export type LinkOutcome = 'success' | 'halt' | 'error' | 'unknown';

/** How a storage ended. */
export type StorageOutcome = 'success' | 'error';

/**
 * One thing that happened in a run: what the journal keeps and, as the last argument of every call, what a tracer
 * gets besides the documented arguments. Frozen, because several tracers get the same object.
 */
export interface ChainEvent {
  /** `<run id>/<stage>/<index or name>/<phase>`: deterministic, so a repeat is recognised. */
  readonly eventId: string;
  /** One passage of one vCon through one chain: the span id of its chain span. */
  readonly runId: string;
  readonly stage: Stage;
  /** `lost` is for chains only: the end cannot be known. */
  readonly phase: Phase | 'lost';
  readonly chain: string;
  /** The configured links of the chain, in order. */
  readonly links: readonly string[];
  /** Set on link events. */
  readonly link: string | undefined;
  /** Set on link events; 0 is the first. */
  readonly linkIndex: number | undefined;
  /** Set on storage events. */
  readonly storage: string | undefined;
  /** The uuid before the step (DESIGN §4: what entered it). */
  readonly inVconUuid: string;
  /** The uuid after the step; equal to `inVconUuid` if the step did not change it. */
  readonly outVconUuid: string;
  /** Absent at the start of a step. */
  readonly outcome: ChainOutcome | LinkOutcome | StorageOutcome | undefined;
  /** Set on error events: a class name or code, never a message. */
  readonly errorType: string | undefined;
  /** When it happened, milliseconds since the Unix epoch, as the span has it. */
  readonly time: number;
  /** Duration of the step in seconds; absent at its start. */
  readonly duration: number | undefined;
  /** The context of the span that this was read from. */
  readonly spanContext: SpanContext;
  /** SHA-256 (hex) of the document as it was at that moment, if the source that saw it then reported it. */
  readonly vconSha256: string | undefined;
  /**
   * The only documented call that is made of it; absent: both, as far as they are due. `none`: it came when its run was over,
   * and is kept for whoever looks at that.
   */
  readonly calls?: 'trace' | 'run' | 'none' | undefined;
  /**
   * Who sent the fact by which this became certain, or, of what was concluded when nothing more came, the newest fact of the run:
   * the name of the token that it came with. Absent for chains of this process, for whoever has no name, and for a Redis stream.
   */
  readonly sender?: string | undefined;
  /** Names of the facts above that were concluded rather than observed. */
  readonly inferred: readonly string[];
}

/** The name of an event, e.g. `link_complete`. */
export function eventName({ stage, phase }: Pick<ChainEvent, 'stage' | 'phase'>): EventName {
  return phase === 'lost' ? 'chain_lost' : EVENT_NAMES[stage][phase];
}

const EVENT_NAMES = {
  chain: { start: 'chain_start', complete: 'chain_complete', error: 'chain_error' },
  link: { start: 'link_start', complete: 'link_complete', error: 'link_error' },
  storage: { start: 'storage_start', complete: 'storage_complete', error: 'storage_error' },
} as const satisfies { [S in Stage]: { [P in Phase]: `${S}_${P}` } };

/** The documented nine. */
export const eventNames: readonly EventName[] = Object.values(EVENT_NAMES).flatMap((names) =>
  Object.values(names),
);
