import type { HrTime, SpanContext } from '@opentelemetry/api';

/** One of the conserver's spans as it came from outside: the little of it that is read. Nothing of it is trusted to fit. */
export type ReceivedSpan = ReceivedStep & {
  readonly traceId: string;
  readonly spanId: string;
  /** Of its own trace; absent on a root. Not always what the span belongs to (CONSERVER §4, quirks). */
  readonly parentSpanId: string | undefined;
  readonly chain: string;
  /** `vcon_id`; absent where the attribute is there but is no uuid (a Python link that returned `True`). */
  readonly vconUuid: string | undefined;
  readonly start: HrTime;
  readonly end: HrTime;
  /**
   * Whether the step failed, by one rule whoever recorded it: on a chain span of the Python conserver OK is success and
   * UNSET failure, everywhere else ERROR is failure.
   */
  readonly failed: boolean;
  /** A class name or code, never a message; absent where nothing says it. */
  readonly errorType: string | undefined;
  /** Our own attributes, where the span was recorded by this package elsewhere. */
  readonly outcome: string | undefined;
  readonly outVconUuid: string | undefined;
};

type ReceivedStep =
  | {
      readonly stage: 'chain';
      /** `vcon.chain.links`, which the Python conserver does not send. */
      readonly links: readonly string[] | undefined;
      /** Span links: the chains that queued the vCon. */
      readonly queuedBy: readonly SpanContext[];
    }
  | { readonly stage: 'link'; readonly name: string; readonly index: number | undefined }
  | { readonly stage: 'storage'; readonly name: string };
