import { type HrTime, SpanStatusCode } from '@opentelemetry/api';
import type { Stage } from '../../model/event.ts';
import { ATTR, CONSERVER_ATTR, nameOf, stageOf } from '../../model/semconv.ts';
import { isVconUuid } from '../../model/vcon.ts';
import type { ReceivedSpan } from '../received-span.ts';
import { type AttributeValue, isId, type WireSpan } from './wire-span.ts';

/** What a request held. */
export interface DecodedTraces {
  readonly spans: readonly ReceivedSpan[];
  /** Spans of others. */
  readonly ignored: number;
  /** Spans of the conserver that cannot be used. */
  readonly rejected: number;
}

/** Sorts the spans of one request. */
export class ReceivedTraces implements DecodedTraces {
  readonly spans: ReceivedSpan[] = [];
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
 * ids, without times, or with a name that is none.
 */
export function receive(span: WireSpan): ReceivedSpan | 'ignored' | 'rejected' {
  const stage = stageOf(span.name);
  const chain = span.attributes.get(CONSERVER_ATTR.chainName);
  if (stage === undefined || typeof chain !== 'string' || !span.attributes.has(CONSERVER_ATTR.vconId))
    return 'ignored';
  const name = nameOf(stage, span.name);
  if (!isId(span.traceId, 32) || !isId(span.spanId, 16)) return 'rejected';
  if (!isTime(span.start) || !isTime(span.end)) return 'rejected';
  if (!isName(chain) || !isName(name)) return 'rejected';
  const vconId = span.attributes.get(CONSERVER_ATTR.vconId);
  const outVconUuid = span.attributes.get(ATTR.vconOutUuid);
  const failed = hasFailed(span, stage);
  const known = {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: isId(span.parentSpanId, 16) ? span.parentSpanId : undefined,
    chain,
    vconUuid: isVconUuid(vconId) ? vconId : undefined,
    start: hrTime(span.start),
    end: hrTime(span.end),
    failed,
    errorType: failed ? errorTypeOf(span) : undefined,
    outcome: outcomeOf(span, stage),
    outVconUuid: isVconUuid(outVconUuid) ? outVconUuid : undefined,
  };
  if (stage === 'storage') return { ...known, stage, name };
  if (stage === 'link') return { ...known, stage, name, index: indexOf(span) };
  return { ...known, stage, links: linksOf(span), queuedBy: span.links };
}

/** As records have it, see forwarded-record.ts. */
const MAX_NAME = 256;

function isName(value: string): boolean {
  return value.length > 0 && value.length <= MAX_NAME;
}

function isTime(nanoseconds: bigint): boolean {
  return nanoseconds > 0n && nanoseconds < 1n << 64n;
}

/** Where a Python conserver's own spans are recorded: its main program, or what a worker process knows as that. */
const CONSERVER_SCOPES = ['__main__', '__mp_main__'];

/** OK is success and UNSET failure on chain spans of the Python server (CONSERVER §4). */
function hasFailed({ scope, status }: WireSpan, stage: Stage): boolean {
  return stage === 'chain' && CONSERVER_SCOPES.includes(scope)
    ? status !== SpanStatusCode.OK
    : status === SpanStatusCode.ERROR;
}

/** Class names and codes only: what other recorders write here can be any text. */
const PLAIN = /^[A-Za-z_$][\w$.]{0,127}$/;

function errorTypeOf(span: WireSpan): string | undefined {
  const type = span.attributes.get(ATTR.errorType) ?? span.exceptionType;
  if (type === undefined && span.status !== SpanStatusCode.ERROR) return undefined;
  return typeof type === 'string' && PLAIN.test(type) ? type : '_OTHER';
}

const OUTCOME_KEY = { chain: ATTR.chainOutcome, link: ATTR.linkOutcome } as const;

function outcomeOf(span: WireSpan, stage: Stage): string | undefined {
  const outcome = stage === 'storage' ? undefined : span.attributes.get(OUTCOME_KEY[stage]);
  return typeof outcome === 'string' && isName(outcome) ? outcome : undefined;
}

/** Links of one chain, as records have it. */
const MAX_LINKS = 1_000;

/** Whole and not negative, whatever type it came in. */
function indexOf(span: WireSpan): number | undefined {
  const value = span.attributes.get(CONSERVER_ATTR.linkIndex);
  const index = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
  return typeof index === 'number' && Number.isSafeInteger(index) && index >= 0 && index < MAX_LINKS
    ? index
    : undefined;
}

function linksOf(span: WireSpan): readonly string[] | undefined {
  const links: AttributeValue = span.attributes.get(ATTR.chainLinks);
  return typeof links === 'object' && links.every(isName) ? links : undefined;
}

function hrTime(nanoseconds: bigint): HrTime {
  return [Number(nanoseconds / 1_000_000_000n), Number(nanoseconds % 1_000_000_000n)];
}
