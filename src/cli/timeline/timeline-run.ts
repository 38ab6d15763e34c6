import type { ChainOutcome, LinkOutcome, Stage } from '../../model/event.ts';

/** A span of a run: a link, a storage, or somebody else's span (an HTTP call, a Redis command) made on the way. */
export interface TimelineStep {
  readonly stage: Exclude<Stage, 'chain'> | 'other';
  /** The link's or storage's name; the span's own name where it is somebody else's. */
  readonly name: string;
  /** Position of a link in its chain. */
  readonly index: number | undefined;
  /** Undefined where it has not ended. */
  readonly outcome: LinkOutcome | undefined;
  readonly errorType: string | undefined;
  /** Seconds from the start of the run. */
  readonly start: number;
  /** Seconds. */
  readonly duration: number;
  /** 0 directly under the chain, 1 under a link or storage, and so on. */
  readonly depth: number;
  /** What entered the step. */
  readonly vconUuid: string | undefined;
  /** What left a link. */
  readonly outVconUuid: string | undefined;
}

/** The run that queued this one, as its span link tells. */
export interface LinkedRun {
  readonly runId: string;
  readonly traceId: string;
  /** Its chain, where the file has it. */
  readonly chain: string | undefined;
}

/** One passage of one vCon through one chain, as it is read back from its spans. */
export interface TimelineRun {
  /** Span id of the chain span. */
  readonly runId: string;
  readonly traceId: string;
  readonly chain: string;
  /** What entered the chain; undefined where no span has it as text. */
  readonly vconUuid: string | undefined;
  /** What left it. */
  readonly outVconUuid: string | undefined;
  /** Undefined where the chain span never came and nothing else tells. */
  readonly outcome: ChainOutcome | undefined;
  readonly errorType: string | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly start: number;
  /** Seconds. */
  readonly duration: number;
  /** The chain span is not in the file: it was lost, or the run is not over. */
  readonly truncated: boolean;
  /** It is known to have begun and not to have ended: only a journal tells. */
  readonly open?: true;
  readonly linkedFrom: readonly LinkedRun[];
  /** In order of start, each followed by what happened inside it. */
  readonly steps: readonly TimelineStep[];
  /** How much came when it was over, and changed nothing. */
  readonly late: number;
  /** Who sent what was last heard of it, by the name of a token: only a journal tells. */
  readonly sender?: string;
  /** Names of the facts above that were concluded rather than read from a span. */
  readonly inferred: readonly ('outcome' | 'duration' | 'outVconUuid')[];
}
