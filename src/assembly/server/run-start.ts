import type { ServerFactOf as Of, ServerFact } from '../../model/server-fact.ts';
import type { SpanIds } from './emitted-run.ts';

/** How a run began, and whether that had to be concluded because its start was not heard. */
export type ToldStart = Of<'run_start'> & {
  readonly vconUuid: string;
  readonly isConcluded?: boolean;
  /** Where the chain's span began unheard. */
  readonly chainSpan?: SpanIds | undefined;
};

/** The span of a chain, and when it began if that was heard. */
export type ChainSpanIds = SpanIds & { readonly start?: bigint };

/** How well a process can be heard. */
export interface Hearing {
  readonly spans: boolean;
  readonly exportsSpans: boolean;
  readonly extras: boolean;
  readonly afterLink: boolean;
  /** Whether it calls our tracer with the document's hash, as far as is known. */
  readonly hashes: boolean;
}

/** What a fact tells of the start of its run, where that was not heard. */
export function knownStart(
  fact: ServerFact,
): Pick<ToldStart, 'chain' | 'vconUuid' | 'links' | 'chainSpan'> | undefined {
  if (fact.kind === 'span_start' && fact.stage === 'chain' && fact.vconUuid !== undefined)
    return { chain: fact.chain, vconUuid: fact.vconUuid, links: [] };
  if (fact.kind !== 'tracer' || fact.before === undefined || fact.chain === undefined) return undefined;
  const { chain, before, links, linkSpan } = fact;
  const { parentSpanId: spanId, traceId } = linkSpan ?? {};
  const isKnown = spanId !== undefined && traceId !== undefined;
  return { chain, vconUuid: before, links, chainSpan: isKnown ? { spanId, traceId } : undefined };
}
