import type { Stage } from '../model/event.ts';
import { ATTR, CONSERVER_ATTR, nameOf, stageOf } from '../model/semconv.ts';
import {
  idOf,
  isObject,
  listOf,
  nanosOf,
  readAttributes,
  type Scalar,
  statusOf,
  textOf,
} from './otlp-json.ts';

/** What a span of a chain, link or storage says of itself. */
export interface StageFacts {
  readonly stage: Stage;
  readonly name: string;
  readonly chain: string;
  readonly vconUuid: string | undefined;
  readonly outVconUuid: string | undefined;
  readonly index: number | undefined;
  readonly outcome: string | undefined;
  /** Recorded by the Python conserver, whose chain spans say success by OK and failure by UNSET (CONSERVER §4). */
  readonly python: boolean;
}

/** The little of a span that a timeline needs. Times are nanoseconds since the Unix epoch. */
export interface TraceSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly start: bigint;
  readonly end: bigint;
  readonly status: 'unset' | 'ok' | 'error';
  readonly errorType: string | undefined;
  /** `service.instance.id` of the process that recorded it. */
  readonly instanceId: string | undefined;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  /** Undefined for everybody else's spans. */
  readonly facts: StageFacts | undefined;
}

/** The spans of one request, and how many things in it could not be read. */
export interface SpanBatch {
  readonly spans: readonly TraceSpan[];
  readonly skipped: number;
}

/**
 * The spans of an OTLP/JSON ExportTraceServiceRequest or of an array of them, read leniently by hand: a span
 * that cannot be used is counted and does not take its neighbours with it. Undefined counts as one.
 */
export function readSpans(requests: unknown): SpanBatch {
  const spans: TraceSpan[] = [];
  let skipped = 0;
  for (const request of Array.isArray(requests) ? requests : [requests]) {
    if (!isObject(request)) skipped++;
    else
      for (const resourceSpans of listOf(request.resourceSpans)) {
        const instanceId = textOf(
          readAttributes(resourceSpans.resource, INSTANCE_ID).get(SERVICE_INSTANCE_ID),
        );
        for (const scopeSpans of listOf(resourceSpans.scopeSpans)) {
          const python = isObject(scopeSpans.scope) && PYTHON_SCOPES.has(scopeSpans.scope.name);
          for (const json of listOf(scopeSpans.spans)) {
            const span = readSpan(json, instanceId, python);
            if (span) spans.push(span);
            else skipped++;
          }
        }
      }
  }
  return { spans, skipped };
}

const SERVICE_INSTANCE_ID = 'service.instance.id';
const EXCEPTION_TYPE = 'exception.type';
const INSTANCE_ID: ReadonlySet<string> = new Set([SERVICE_INSTANCE_ID]);
const EXCEPTION_KEYS: ReadonlySet<string> = new Set([EXCEPTION_TYPE]);
const ERROR_KEYS: ReadonlySet<string> = new Set([ATTR.errorType]);
const STAGE_KEYS: ReadonlySet<string> = new Set([...Object.values(CONSERVER_ATTR), ...Object.values(ATTR)]);

/** Its tracer is named for the module that is run as the program (CONSERVER §4). */
const PYTHON_SCOPES: ReadonlySet<unknown> = new Set(['__main__', '__mp_main__']);

const OUTCOME_KEY = {
  chain: ATTR.chainOutcome,
  link: ATTR.linkOutcome,
  storage: ATTR.storageOutcome,
} as const satisfies Record<Stage, string>;

function readSpan(
  json: Record<string, unknown>,
  instanceId: string | undefined,
  python: boolean,
): TraceSpan | undefined {
  const traceId = idOf(json.traceId, 32);
  const spanId = idOf(json.spanId, 16);
  const name = textOf(json.name);
  const start = nanosOf(json.startTimeUnixNano);
  if (!traceId || !spanId || name === undefined || start === undefined) return undefined;
  const end = nanosOf(json.endTimeUnixNano) ?? start;
  const status = statusOf(json.status);
  return {
    traceId,
    spanId,
    parentSpanId: idOf(json.parentSpanId, 16),
    name,
    start,
    end: end < start ? start : end,
    status,
    errorType: status === 'error' ? readErrorType(json) : undefined,
    instanceId,
    links: readLinks(json.links),
    facts: readFacts(json, name, python),
  };
}

/** A span is ours by its name and by carrying `chain_name` and `vcon_id` (DESIGN §4), of whatever type they are. */
function readFacts(json: Record<string, unknown>, name: string, python: boolean): StageFacts | undefined {
  const stage = stageOf(name);
  if (!stage) return undefined;
  const attributes = readAttributes(json, STAGE_KEYS);
  if (!attributes.has(CONSERVER_ATTR.chainName) || !attributes.has(CONSERVER_ATTR.vconId)) return undefined;
  const text = (key: string) => textOf(attributes.get(key));
  return {
    stage,
    name: nameOf(stage, name),
    chain: text(CONSERVER_ATTR.chainName) || (stage === 'chain' ? nameOf(stage, name) : '?'),
    vconUuid: text(CONSERVER_ATTR.vconId) ?? text(ATTR.vconUuid),
    outVconUuid: text(ATTR.vconOutUuid),
    index: linkIndexOf(attributes.get(CONSERVER_ATTR.linkIndex) ?? attributes.get(ATTR.linkIndex)),
    outcome: text(OUTCOME_KEY[stage]),
    python,
  };
}

function linkIndexOf(value: Scalar | undefined): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

/** The message of an exception may hold personal data and is not read. */
function readErrorType(json: Record<string, unknown>): string {
  const own = textOf(readAttributes(json, ERROR_KEYS).get(ATTR.errorType));
  if (own) return own;
  for (const event of listOf(json.events)) {
    const type = textOf(readAttributes(event, EXCEPTION_KEYS).get(EXCEPTION_TYPE));
    if (type) return type;
  }
  return '_OTHER';
}

function readLinks(json: unknown): TraceSpan['links'] {
  const links: { traceId: string; spanId: string }[] = [];
  for (const link of listOf(json)) {
    const traceId = idOf(link.traceId, 32);
    const spanId = idOf(link.spanId, 16);
    if (traceId && spanId) links.push({ traceId, spanId });
  }
  return links.length > 0 ? links : NO_LINKS;
}

const NO_LINKS: TraceSpan['links'] = [];
