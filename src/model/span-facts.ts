import type { SpanContext } from '@opentelemetry/api';
import type { ChainOutcome, LinkOutcome, StorageOutcome } from './event.ts';

/** What a span says about its step when the step begins. */
export type StartFacts = {
  readonly chain: string;
  /** `vcon_id`; absent if the attribute is not a uuid (a Python link that returned `True`). */
  readonly vconUuid: string | undefined;
  /** Facts that the maker of the span concluded. */
  readonly inferred: readonly string[];
  /** SHA-256 (hex) of the document as it was at that moment. */
  readonly vconSha256: string | undefined;
} & StepFacts;

/** The kind of step. */
export type StepFacts =
  | {
      readonly stage: 'chain';
      /** `vcon.chain.links`, which the Python conserver does not send. */
      readonly links: readonly string[] | undefined;
      /** Span links: the chains that queued the vCon. */
      readonly queuedBy: readonly SpanContext[];
    }
  | { readonly stage: 'link'; readonly name: string; readonly index: number | undefined }
  | { readonly stage: 'storage'; readonly name: string };

/** What a span says about its step when the step has ended. */
export interface EndFacts {
  /** By one rule, whoever recorded the span: ERROR, or its outcome attribute. */
  readonly failed: boolean;
  /**
   * A chain span of the Python conserver without a status. Mostly its chain failed, and it ended when garbage collection found
   * it; but not always (CONSERVER §4). So it says neither how the chain ended nor when.
   */
  readonly undecided: boolean;
  /** A class name or code, never a message; absent if the step has not failed, or if it is unknown. */
  readonly errorType: string | undefined;
  /** The value of its outcome attribute, if it has ours. */
  readonly outcome: ChainOutcome | LinkOutcome | StorageOutcome | undefined;
  readonly outVconUuid: string | undefined;
  /** Whatever was concluded about the start holds for the end too, except its time. */
  readonly inferred: readonly string[];
  readonly vconSha256: string | undefined;
}

/** What a whole span says about its step. */
export type SpanFacts = StartFacts & EndFacts;
