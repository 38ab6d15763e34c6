import { type HrTime, SpanStatusCode } from '@opentelemetry/api';
import type { RecordFact, SpanFact } from '../../src/model/fact.ts';
import { CONSERVER_ATTR, spanName } from '../../src/model/semconv.ts';
import { attribute, type JsonSpan, request } from '../support/otlp-request.ts';

/** A request of spans, in both encodings, as the Python conserver sends it. The inverse of what the receiver reads. */
export function spansOnTheWire(spans: readonly SpanFact[]): ReturnType<typeof request> {
  return request(spans.map(jsonSpan));
}

/** A record as the forwarder in the Python conserver writes it, which passes the uuid after the link as `in`. */
export function recordOnTheWire(record: RecordFact): string {
  const { tracer, before, after, links, index, time, traceId, spanId, rootSpanId, chain, worker, seq } =
    record;
  return JSON.stringify({
    v: 1,
    kind: 'run',
    tracer,
    in: after,
    out: before,
    links,
    index,
    ts: String(time),
    trace_id: traceId,
    span_id: spanId,
    root_span_id: rootSpanId,
    chain,
    worker,
    seq,
  });
}

function jsonSpan(span: SpanFact): JsonSpan {
  const { stage, traceId, spanId, parentSpanId, chain, vconUuid, start, end } = span;
  return {
    traceId,
    spanId,
    ...(parentSpanId !== undefined && { parentSpanId }),
    name: spanName(stage, stage === 'chain' ? chain : span.name),
    kind: 1,
    startTimeUnixNano: nanoseconds(start),
    endTimeUnixNano: nanoseconds(end),
    attributes: [
      attribute(CONSERVER_ATTR.vconId, vconUuid ?? true),
      attribute(CONSERVER_ATTR.chainName, chain),
      ...(stage === 'link' ? [attribute(CONSERVER_ATTR.linkIndex, span.index)] : []),
    ],
    status: statusOf(span),
    ...(span.failed && stage !== 'chain' && { events: [EXCEPTION] }),
  };
}

/** The server's chain spans are OK, or left without a status (CONSERVER §4). */
function statusOf({ stage, failed, undecided }: SpanFact): object {
  if (stage === 'chain') return undecided ? {} : { code: SpanStatusCode.OK };
  return failed ? { code: SpanStatusCode.ERROR } : {};
}

const EXCEPTION = { name: 'exception', attributes: [attribute('exception.type', 'ValueError')] };

function nanoseconds([seconds, nanos]: HrTime): string {
  return String(BigInt(seconds) * 1_000_000_000n + BigInt(nanos));
}
