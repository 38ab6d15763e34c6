import type { HrTime } from '@opentelemetry/api';
import { VconOtelError } from '../../model/error.ts';
import { stageOf } from '../../model/semconv.ts';
import { EXCEPTION, READ_ATTRIBUTES, statusInJson } from '../../model/span-like.ts';
import { ReceivedTraces } from './receive.ts';
import {
  type AttributeValue,
  EXCEPTION_ATTRIBUTES,
  MAX_TEXTS,
  NO_TIME,
  type ReadAttributes,
  type WireSpan,
} from './wire-span.ts';

/**
 * Reads an OTLP request in JSON (protobuf's mapping, but ids are hex and enums integers, by some writers names: OTLP
 * specification, "JSON Protobuf Encoding"), parsed already. Fields that are null are not there, and of unknown ones nothing is read.
 * @throws VconOtelError `BODY_INVALID` where it has not the shape of one
 */
export function readJson(request: unknown): ReceivedTraces {
  const traces = new ReceivedTraces();
  if (!isMessage(request) || Array.isArray(request))
    throw new VconOtelError('BODY_INVALID', 'the body is no JSON object');
  for (const resource of messages(part(request, 'resourceSpans', 'resource_spans'), 'resourceSpans')) {
    // Until OTLP 0.19 a scope had another name.
    const { instrumentationLibrarySpans: scopeSpans = part(resource, 'scopeSpans', 'scope_spans') } =
      resource;
    for (const { scope, instrumentationLibrary, spans } of messages(scopeSpans, 'scopeSpans')) {
      const named = scope ?? instrumentationLibrary;
      const scopeName = isMessage(named) ? text(named.name) : '';
      for (const span of messages(spans, 'spans')) {
        if (stageOf(text(span.name)) === undefined) traces.ignored++;
        else addSpan(span, scopeName, traces);
      }
    }
  }
  return traces;
}

/** A list of a message. As the definition itself spells it (`resource_spans`), it would be answered as if it had been read. */
function part(message: Message, name: string, spelled: string): unknown {
  if (!(spelled in message)) return message[name];
  throw new VconOtelError(
    'BODY_INVALID',
    `the body has ${spelled}: OTLP/JSON has ${name}, in lowerCamelCase`,
  );
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

/** One that cannot be read does not take the others of the request with it. */
function addSpan(span: Message, scope: string, traces: ReceivedTraces): void {
  let read: WireSpan | undefined;
  try {
    read = readSpan(span, scope);
  } catch {
    traces.rejected++;
  }
  if (read) traces.add(read);
}

function readSpan(span: Message, scope: string): WireSpan {
  return {
    scope,
    name: text(span.name),
    traceId: text(span.traceId).toLowerCase(),
    spanId: text(span.spanId).toLowerCase(),
    parentSpanId: text(span.parentSpanId).toLowerCase(),
    start: time(span.startTimeUnixNano),
    end: time(span.endTimeUnixNano),
    status: statusInJson(span.status),
    attributes: readAttributes(span.attributes, READ_ATTRIBUTES),
    events: readException(span.events),
    links: readLinks(span.links),
  };
}

function readAttributes(attributes: unknown, wanted: ReadonlySet<string>): ReadAttributes {
  const found: ReadAttributes = {};
  for (const { key, value } of messages(attributes, 'attributes'))
    if (typeof key === 'string' && wanted.has(key)) found[key] = readValue(value);
  return found;
}

function readValue(value: unknown): AttributeValue {
  if (!isMessage(value)) return null;
  if (typeof value.stringValue === 'string') return value.stringValue;
  const number = integer(value.intValue) ?? integer(value.doubleValue) ?? value.doubleValue;
  if (typeof number === 'number') return number;
  if (typeof value.boolValue === 'boolean') return value.boolValue;
  return isMessage(value.arrayValue) ? readTexts(value.arrayValue.values) : null;
}

function readTexts(values: unknown): readonly string[] | null {
  const items = messages(values, 'values');
  if (items.length > MAX_TEXTS) return null;
  const texts = items.map(({ stringValue }) => stringValue);
  return texts.every((item) => typeof item === 'string') ? texts : null;
}

function readException(events: unknown): WireSpan['events'] {
  const exception = messages(events, 'events').find(({ name }) => name === EXCEPTION.event);
  if (!exception) return [];
  return [{ name: EXCEPTION.event, attributes: readAttributes(exception.attributes, EXCEPTION_ATTRIBUTES) }];
}

function readLinks(links: unknown): WireSpan['links'] {
  return messages(links, 'links').map(({ traceId, spanId, flags }) => ({
    context: {
      traceId: text(traceId).toLowerCase(),
      spanId: text(spanId).toLowerCase(),
      traceFlags: (integer(flags) ?? 0) & 0xff,
    },
  }));
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** A number, or a number in a string, as protobuf's mapping has those of 64 bits. */
function integer(value: unknown): number | undefined {
  if (typeof value === 'string' && /^-?\d{1,19}$/.test(value)) return Number(value);
  return Number.isInteger(value) ? (value as number) : undefined;
}

/** Of nanoseconds since the Unix epoch, as far as they fit into 64 bits. */
function time(value: unknown): HrTime {
  const isText = typeof value === 'string' && /^\d{1,20}$/.test(value);
  const nanoseconds = isText || Number.isInteger(value) ? BigInt(value as string | number) : 0n;
  if (nanoseconds <= 0n || nanoseconds >= 1n << 64n) return NO_TIME;
  return [Number(nanoseconds / 1_000_000_000n), Number(nanoseconds % 1_000_000_000n)];
}
