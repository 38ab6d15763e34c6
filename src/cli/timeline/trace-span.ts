import { SpanStatusCode } from '@opentelemetry/api';
import { decode, errorTypeOf, isOfServer } from '../../model/span-codec.ts';
import type { SpanFacts } from '../../model/span-facts.ts';
import { EXCEPTION, isStatus, READ_ATTRIBUTES, type SpanLike, statusInJson } from '../../model/span-like.ts';
import { fromJaeger } from './jaeger-json.ts';
import { idOf, isObject, nanosOf, objectsOf, readAttributes, textOf } from './otlp-json.ts';

/** The little of a span that a timeline needs. Times are nanoseconds since the Unix epoch. */
export interface TraceSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly start: bigint;
  readonly end: bigint;
  /** Its status is ERROR. */
  readonly failed: boolean;
  readonly errorType: string | undefined;
  /** `service.instance.id` of the process that recorded it. */
  readonly instanceId: string | undefined;
  /** The Python conserver recorded it itself. */
  readonly ofServer: boolean;
  /** Undefined for everybody else's spans. */
  readonly facts: SpanFacts | undefined;
}

/** @param nanos - a difference, small enough for a double. */
export function toSeconds(nanos: bigint): number {
  return Number(nanos) / 1e9;
}

/** The spans of one request, and how many things in it could not be read. */
export interface SpanBatch {
  readonly spans: readonly TraceSpan[];
  readonly skipped: number;
}

/**
 * The spans of an OTLP/JSON ExportTraceServiceRequest, of what Tempo's and Jaeger's APIs give, or of an array of such, read leniently by
 * hand: a span that cannot be used is counted and does not take its neighbours with it. What is none of these counts as one.
 */
export function readSpans(requests: unknown): SpanBatch {
  const spans: TraceSpan[] = [];
  let skipped = 0;
  for (const request of Array.isArray(requests) ? requests : [requests]) {
    const list = isObject(request) ? resourceSpansOf(request) : undefined;
    if (list === undefined) skipped++;
    for (const resourceSpans of objectsOf(list)) {
      const resource = readAttributes(resourceSpans.resource, INSTANCE_ID);
      const instanceId = textOf(resource[SERVICE_INSTANCE_ID]);
      // Before 1.0 OpenTelemetry had another name for a scope.
      const { scopeSpans = resourceSpans.instrumentationLibrarySpans } = resourceSpans;
      for (const { scope, instrumentationLibrary, spans: ofScope } of objectsOf(scopeSpans)) {
        const named = scope ?? instrumentationLibrary;
        const name = isObject(named) ? (textOf(named.name) ?? '') : '';
        for (const json of objectsOf(ofScope)) {
          const span = readSpan(json, instanceId, name);
          if (span) spans.push(span);
          else skipped++;
        }
      }
    }
  }
  return { spans, skipped };
}

/** Undefined for what is no request. Tempo says `batches` in its first API, and `trace` around it all in the second. */
function resourceSpansOf(request: Record<string, unknown>): unknown {
  const { trace } = request;
  const { resourceSpans, batches } = isObject(trace) ? trace : (fromJaeger(request) ?? request);
  const isOther = Object.keys(request).every((key) => OTHER_SIGNALS.has(key));
  return resourceSpans ?? batches ?? (isOther ? [] : undefined);
}

/** What a Collector's file may hold beside spans. */
const OTHER_SIGNALS: ReadonlySet<string> = new Set(['resourceMetrics', 'resourceLogs', 'resourceProfiles']);
const SERVICE_INSTANCE_ID = 'service.instance.id';
const INSTANCE_ID: ReadonlySet<string> = new Set([SERVICE_INSTANCE_ID]);
const EXCEPTION_ATTRIBUTES: ReadonlySet<string> = new Set<string>([EXCEPTION.type]);

function readSpan(
  json: Record<string, unknown>,
  instanceId: string | undefined,
  scope: string,
): TraceSpan | undefined {
  const traceId = idOf(json.traceId, 32);
  const spanId = idOf(json.spanId, 16);
  const name = textOf(json.name);
  const start = nanosOf(json.startTimeUnixNano);
  if (!traceId || !spanId || name === undefined || start === undefined) return undefined;
  const end = nanosOf(json.endTimeUnixNano) ?? start;
  const span: SpanLike = {
    name,
    scope,
    attributes: readAttributes(json, READ_ATTRIBUTES),
    status: statusInJson(json.status),
    events: objectsOf(json.events)
      .filter((event) => event.name === EXCEPTION.event)
      .slice(0, 1)
      .map((event) => ({ name: EXCEPTION.event, attributes: readAttributes(event, EXCEPTION_ATTRIBUTES) })),
    links: readLinks(json.links),
  };
  // A failure would pass for a success.
  if (!isStatus(span.status)) return undefined;
  const failed = span.status.code === SpanStatusCode.ERROR;
  return {
    traceId,
    spanId,
    parentSpanId: idOf(json.parentSpanId, 16),
    name,
    start,
    end: end < start ? start : end,
    failed,
    errorType: failed ? errorTypeOf(span) : undefined,
    instanceId,
    ofServer: isOfServer(span),
    facts: decode(span),
  };
}

function readLinks(json: unknown): SpanLike['links'] {
  const links: SpanLike['links'][number][] = [];
  for (const link of objectsOf(json)) {
    const traceId = idOf(link.traceId, 32);
    const spanId = idOf(link.spanId, 16);
    if (traceId && spanId) links.push({ context: { traceId, spanId, traceFlags: 1 } });
  }
  return links;
}
