import type { SpanFact } from '../../model/fact.ts';
import { decode } from '../../model/span-codec.ts';
import type { SpanFacts } from '../../model/span-facts.ts';
import { isStatus } from '../../model/span-like.ts';
import { isName, MAX_LIST, nameList } from '../names.ts';
import { isId, NO_TIME, type WireSpan } from './wire-span.ts';

/** What a request held. */
export interface DecodedTraces {
  readonly spans: readonly SpanFact[];
  /** Spans of others. */
  readonly ignored: number;
  /** Spans of the conserver that cannot be used. */
  readonly rejected: number;
}

/** Sorts the spans of one request. */
export class ReceivedTraces implements DecodedTraces {
  readonly spans: SpanFact[] = [];
  ignored = 0;
  rejected = 0;

  /** Takes a span. */
  add(span: WireSpan): void {
    const received = receive(span);
    if (received === 'ignored') this.ignored++;
    else if (received === 'rejected') this.rejected++;
    else this.spans.push(received);
  }
}

/**
 * Reads a span of the conserver. `ignored` is one of somebody else (DESIGN §4), `rejected` one that cannot be used: without
 * ids, without times, with a name that is none, or with a status that cannot be read.
 */
function receive(span: WireSpan): SpanFact | 'ignored' | 'rejected' {
  const facts = decode(span);
  if (!facts) return 'ignored';
  if (!isId(span.traceId, 32) || !isId(span.spanId, 16)) return 'rejected';
  if (span.start === NO_TIME || span.end === NO_TIME || !isStatus(span.status)) return 'rejected';
  if (!isName(facts.chain) || (facts.stage !== 'chain' && !isName(facts.name))) return 'rejected';
  return factOf(bounded(facts), span);
}

/** With every field by its name: a fact that is made at once, and not by adding to another, takes the least memory and is read fastest. */
function factOf(facts: SpanFacts, { traceId, spanId, parentSpanId: parent, start, end }: WireSpan): SpanFact {
  const { chain, vconUuid, inferred, vconSha256, failed, undecided, errorType, outcome, outVconUuid } = facts;
  const parentSpanId = isId(parent, 16) ? parent : undefined;
  if (facts.stage === 'chain') {
    const { stage, links, queuedBy } = facts;
    return {
      stage,
      chain,
      vconUuid,
      inferred,
      vconSha256,
      links,
      queuedBy,
      failed,
      undecided,
      errorType,
      outcome,
      outVconUuid,
      traceId,
      spanId,
      parentSpanId,
      start,
      end,
    };
  }
  const { stage, name } = facts;
  const index = stage === 'link' ? facts.index : undefined;
  const fact = {
    stage,
    chain,
    vconUuid,
    inferred,
    vconSha256,
    name,
    index,
    failed,
    undecided,
    errorType,
    outcome,
    outVconUuid,
    traceId,
    spanId,
    parentSpanId,
    start,
    end,
  };
  return fact as SpanFact;
}

/** Chains that queued one vCon. */
const MAX_SPAN_LINKS = 128;

/** Without what no chain has. */
function bounded(facts: SpanFacts): SpanFacts {
  if (facts.stage === 'link' && facts.index !== undefined && facts.index >= MAX_LIST)
    return { ...facts, index: undefined };
  if (facts.stage !== 'chain') return facts;
  const { links, queuedBy } = facts;
  return {
    ...facts,
    links: nameList(links),
    queuedBy:
      queuedBy.length === 0
        ? queuedBy
        : queuedBy
            .slice(0, MAX_SPAN_LINKS)
            .filter(({ traceId, spanId }) => isId(traceId, 32) && isId(spanId, 16)),
  };
}
