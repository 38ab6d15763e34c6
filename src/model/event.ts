import type { HrTime } from '@opentelemetry/api';

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

/** What every event of a run carries. */
interface EventCommon {
  /** `<run id>/<stage>/<index or name>/<phase>`: deterministic, so a repeat is recognised. */
  readonly id: string;
  /** Span id of the chain span: one passage of one vCon through one chain. */
  readonly runId: string;
  readonly chain: string;
  /** The configured links of the chain, in order. */
  readonly links: readonly string[];
  /** uuid before the step (DESIGN §4: what entered it). */
  readonly inVconUuid: string;
  /** uuid after the step; equal to `inVconUuid` where the step changed nothing. */
  readonly outVconUuid: string;
  /** When it happened, as the span has it. */
  readonly time: HrTime;
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
  /** Names of the facts above that were concluded rather than observed. */
  readonly inferred?: readonly string[];
}

type StepOf<S extends Stage, Names, Outcome> = EventCommon & { readonly stage: S } & Names &
  (
    | { readonly phase: 'start' }
    | { readonly phase: 'complete'; readonly outcome: Exclude<Outcome, 'error'>; readonly duration: HrTime }
    | {
        readonly phase: 'error';
        readonly outcome: 'error';
        readonly duration: HrTime;
        readonly errorType: string;
      }
  );

export type ChainStageEvent = StepOf<'chain', unknown, ChainOutcome>;
export type LinkStageEvent = StepOf<
  'link',
  { readonly link: string; readonly linkIndex: number },
  LinkOutcome
>;
export type StorageStageEvent = StepOf<'storage', { readonly storage: string }, StorageOutcome>;

/** One thing that happened in a run: what the journal keeps and what a tracer hears. */
export type ChainEvent = ChainStageEvent | LinkStageEvent | StorageStageEvent;

/** The documented name of an event, e.g. `link_complete`. */
export function eventName(event: ChainEvent): EventName {
  return EVENT_NAMES[event.stage][event.phase];
}

const EVENT_NAMES = {
  chain: { start: 'chain_start', complete: 'chain_complete', error: 'chain_error' },
  link: { start: 'link_start', complete: 'link_complete', error: 'link_error' },
  storage: { start: 'storage_start', complete: 'storage_complete', error: 'storage_error' },
} as const satisfies { [S in Stage]: { [P in Phase]: `${S}_${P}` } };
