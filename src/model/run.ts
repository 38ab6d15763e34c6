import type { SpanContext } from '@opentelemetry/api';
import type { ChainEvent, ChainOutcome, LinkOutcome, Phase, Stage, StorageOutcome } from './event.ts';
import type { EventIdEndings } from './event-id.ts';

/**
 * What is known of a run: one passage of one vCon through one chain. It grows while the run is under way and is final once
 * the run has ended. Events are made from it; metrics, timelines and pages read it, and none keeps a model of its own.
 */
export interface Run {
  /** The span id of its chain span, or a substitute for it. */
  readonly runId: string;
  readonly spanContext: SpanContext;
  readonly chain: string;
  /** The configured links of the chain, in order. */
  readonly links: readonly string[];
  /** `start` while it is under way; `lost` if its end cannot be known. */
  readonly phase: ChainEvent['phase'];
  /** The uuid that entered the chain; absent if unknown. */
  readonly inVconUuid: string | undefined;
  /** The uuid that left it, as far as known by now. */
  readonly outVconUuid: string | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly start: number;
  /** As {@link start}; absent while the run is under way. */
  readonly end: number | undefined;
  /** Seconds; absent while the run is under way. */
  readonly duration: number | undefined;
  /** Absent while the run is under way. */
  readonly outcome: ChainOutcome | undefined;
  /** A class name or code, never a message. */
  readonly errorType: string | undefined;
  /** SHA-256 (hex) of the document as it entered, and at the end as it left, if the source that saw it then reported it. */
  readonly vconSha256: string | undefined;
  /** The chains that queued the vCon, by their span contexts. */
  readonly queuedBy: readonly SpanContext[];
  /** In the order in which they became known, which is that of their starts unless something arrived late. */
  readonly steps: readonly RunStep[];
  /** Names of the facts above that were concluded rather than observed, as in `ChainEvent.inferred`. */
  readonly inferred: readonly string[];
  /** Who sent what was last heard of it, as in `ChainEvent.sender`. */
  readonly sender?: string | undefined;
  /** How much was heard of it when it was over: it changed nothing. Absent where that was nothing. */
  readonly late?: number | undefined;
}

/** A link or a storage in a {@link Run}. */
export interface RunStep {
  readonly stage: Exclude<Stage, 'chain'>;
  readonly name: string;
  /** Of a link; 0 is the first. */
  readonly index: number | undefined;
  /** The ids of its events, which distinguish it from every other step of the run. */
  readonly eventIds: EventIdEndings;
  readonly spanContext: SpanContext;
  /** `start` while it is under way. */
  readonly phase: Phase;
  readonly inVconUuid: string | undefined;
  readonly outVconUuid: string | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly start: number;
  /** As {@link start}; absent while it is under way. */
  readonly end: number | undefined;
  /** Seconds; absent while it is under way. */
  readonly duration: number | undefined;
  /** Absent while it is under way. */
  readonly outcome: LinkOutcome | StorageOutcome | undefined;
  readonly errorType: string | undefined;
  /** As in {@link Run}. */
  readonly vconSha256: string | undefined;
  readonly inferred: readonly string[];
  /** Its `run` call, where somebody waited for that: it was made before it was known how the step ended. */
  readonly called?: StepCall | undefined;
}

/** What is known of a step when its `run` call is made before its end is known. */
export interface StepCall {
  readonly outVconUuid: string;
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
  readonly vconSha256: string | undefined;
  readonly inferred: readonly string[];
}

/**
 * An observer of runs while they grow. What it sees is a view that goes on growing, so it must copy what it wants to keep.
 * Nothing that it throws reaches its caller.
 */
export interface RunObserver {
  began(run: Run): void;
  /** A step has ended. For a run heard of from outside, this is called when the run has ended: only then are its times exact. */
  stepEnded(run: Run, step: RunStep): void;
  ended(run: Run): void;
  /** The run is no longer followed, although it has not ended. */
  abandoned(run: Run): void;
}
