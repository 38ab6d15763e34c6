import type { SpanContext } from '@opentelemetry/api';
import { VconOtelError } from '../../model/error.ts';
import { stageOf } from '../../model/semconv.ts';
import { ReceivedTraces } from './receive.ts';
import {
  type AttributeValue,
  EXCEPTION_EVENT,
  EXCEPTION_TYPE,
  isId,
  MAX_SPAN_LINKS,
  MAX_TEXTS,
  READ,
  type WireSpan,
} from './wire-span.ts';

/**
 * Reads an OTLP request in JSON (protobuf's mapping, but ids are hex and enums integers: OTLP specification, "JSON
 * Protobuf Encoding"), parsed already. Fields that are null are not there, and of unknown ones nothing is read.
 * @throws VconOtelError `BODY_INVALID` where it has not the shape of one
 */
export function readJson(request: unknown): ReceivedTraces {
  const traces = new ReceivedTraces();
  if (!isMessage(request) || Array.isArray(request))
    throw new VconOtelError('BODY_INVALID', 'the body is no JSON object');
  for (const { scopeSpans } of messages(request.resourceSpans, 'resourceSpans'))
    for (const { scope, spans } of messages(scopeSpans, 'scopeSpans')) {
      const scopeName = isMessage(scope) ? text(scope.name) : '';
      for (const span of messages(spans, 'spans')) {
        if (stageOf(text(span.name)) === undefined) traces.ignored++;
        else traces.add(readSpan(span, scopeName));
      }
    }
  return traces;
}

type Message = Readonly<Record<string, unknown>>;

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null;
}

function messages(value: unknown, name: string): readonly Message[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || !value.every(isMessage))
    throw new VconOtelError('BODY_INVALID', `the body has ${name} that are no list of objects`);
  return value;
}

function readSpan(span: Message, scope: string): WireSpan {
  return {
    scope,
    name: text(span.name),
    traceId: text(span.traceId).toLowerCase(),
    spanId: text(span.spanId).toLowerCase(),
    parentSpanId: text(span.parentSpanId).toLowerCase(),
    start: nanoseconds(span.startTimeUnixNano),
    end: nanoseconds(span.endTimeUnixNano),
    status: isMessage(span.status) ? (integer(span.status.code) ?? 0) : 0,
    attributes: readAttributes(span.attributes, READ),
    exceptionType: readExceptionType(span.events),
    links: readLinks(span.links),
  };
}

function readAttributes(
  attributes: unknown,
  wanted: ReadonlySet<string>,
): ReadonlyMap<string, AttributeValue> {
  const found = new Map<string, AttributeValue>();
  for (const { key, value } of messages(attributes, 'attributes'))
    if (typeof key === 'string' && wanted.has(key)) found.set(key, readValue(value));
  return found;
}

function readValue(value: unknown): AttributeValue {
  if (!isMessage(value)) return undefined;
  if (typeof value.stringValue === 'string') return value.stringValue;
  const number = integer(value.intValue) ?? value.doubleValue;
  if (typeof number === 'number') return number;
  if (typeof value.boolValue === 'boolean') return value.boolValue;
  return isMessage(value.arrayValue) ? readTexts(value.arrayValue.values) : undefined;
}

function readTexts(values: unknown): readonly string[] | undefined {
  const items = messages(values, 'values');
  if (items.length > MAX_TEXTS) return undefined;
  const texts = items.map(({ stringValue }) => stringValue);
  return texts.every((item) => typeof item === 'string') ? texts : undefined;
}

const ONLY_EXCEPTION_TYPE: ReadonlySet<string> = new Set([EXCEPTION_TYPE]);

function readExceptionType(events: unknown): AttributeValue {
  const exception = messages(events, 'events').find(({ name }) => name === EXCEPTION_EVENT);
  return exception && readAttributes(exception.attributes, ONLY_EXCEPTION_TYPE).get(EXCEPTION_TYPE);
}

function readLinks(links: unknown): readonly SpanContext[] {
  return messages(links, 'links')
    .slice(0, MAX_SPAN_LINKS)
    .map(({ traceId, spanId, flags }) => ({
      traceId: text(traceId).toLowerCase(),
      spanId: text(spanId).toLowerCase(),
      traceFlags: (integer(flags) ?? 0) & 0xff,
    }))
    .filter(({ traceId, spanId }) => isId(traceId, 32) && isId(spanId, 16));
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** A number, or a number in a string, as protobuf's mapping has those of 64 bits. */
function integer(value: unknown): number | undefined {
  if (typeof value === 'string' && /^-?\d{1,19}$/.test(value)) return Number(value);
  return Number.isInteger(value) ? (value as number) : undefined;
}

function nanoseconds(value: unknown): bigint {
  if (typeof value === 'string' && /^\d{1,20}$/.test(value)) return BigInt(value);
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : 0n;
}
