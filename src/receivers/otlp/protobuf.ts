import type { SpanContext } from '@opentelemetry/api';
import { stageOf } from '../../model/semconv.ts';
import { fields, isSmall, open } from './fields.ts';
import {
  AnyValue,
  ArrayValue,
  type Decoder,
  Event,
  InstrumentationScope,
  KeyValue,
  Link,
  type Long,
  Span,
  SpanName,
  Status,
} from './generated/received.js';
import { type DecodedTraces, ReceivedTraces } from './receive.ts';
import { Turns } from './turns.ts';
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

//  ExportTraceServiceRequest ─1─► ResourceSpans ─2─► ScopeSpans ─1─► InstrumentationScope
//                                                              └─2─► Span
//  Walked through field by field, so that the event loop can have a turn at any place; what is decoded at once is a span
//  and below it one attribute, one event, one link. Nothing descends further than a level of an array of texts.

/**
 * Reads the body of an OTLP request in protobuf, in slices.
 * @throws Error where it cannot be decoded
 */
export async function readProtobuf(body: Uint8Array): Promise<DecodedTraces> {
  const turns = new Turns();
  const traces = new ReceivedTraces();
  if (body.length > UNNOTICED) await turns.take();
  for (const resourceSpans of fields(body, RESOURCE_SPANS)) {
    if (turns.due()) await turns.take();
    if (!resourceSpans) continue;
    for (const scopeSpans of fields(resourceSpans, SCOPE_SPANS)) {
      if (turns.due()) await turns.take();
      if (scopeSpans) await readScopeSpans(scopeSpans, traces, turns);
    }
  }
  return traces;
}

/** Bytes that are read before anybody could notice. */
const UNNOTICED = 64 * 1024;

const RESOURCE_SPANS = 1;
const SCOPE_SPANS = 2;
const SCOPE = 1;
const SPANS = 2;

async function readScopeSpans(scopeSpans: Uint8Array, traces: ReceivedTraces, turns: Turns): Promise<void> {
  let scope = '';
  // It may stand behind the spans.
  for (const field of fields(scopeSpans, SCOPE)) {
    if (turns.due()) await turns.take();
    if (field && isSmall(field)) scope = decode(InstrumentationScope, field).name;
  }
  for (const field of fields(scopeSpans, SPANS)) {
    if (turns.due(field?.length)) await turns.take();
    if (!field) continue;
    if (!isSmall(field)) traces.rejected++;
    else if (stageOf(decode(SpanName, field).name) === undefined) traces.ignored++;
    else traces.add(await readSpan(field, scope, turns));
  }
}

async function readSpan(bytes: Uint8Array, scope: string, turns: Turns): Promise<WireSpan> {
  const span = decode(Span, bytes);
  return {
    scope,
    name: span.name,
    traceId: span.traceId.toString('hex'),
    spanId: span.spanId.toString('hex'),
    parentSpanId: span.parentSpanId.toString('hex'),
    start: bigint(span.startTimeUnixNano),
    end: bigint(span.endTimeUnixNano),
    status: isSmall(span.status) ? decode(Status, span.status).code : 0,
    attributes: await readAttributes(span.attributes, READ, turns),
    exceptionType: await readExceptionType(span.events, turns),
    links: span.links.length > 0 ? readLinks(span.links) : [],
  };
}

async function readAttributes(
  attributes: readonly Uint8Array[],
  wanted: ReadonlySet<string>,
  turns: Turns,
): Promise<ReadonlyMap<string, AttributeValue>> {
  const found = new Map<string, AttributeValue>();
  for (const attribute of attributes) {
    if (turns.due(attribute.length)) await turns.take();
    if (!isSmall(attribute)) continue;
    const { key, value } = decode(KeyValue, attribute);
    if (wanted.has(key)) found.set(key, readValue(value));
  }
  return found;
}

function readValue(bytes: Uint8Array): AttributeValue {
  if (!isSmall(bytes)) return undefined;
  const value = decode(AnyValue, bytes);
  if (Object.hasOwn(value, 'stringValue')) return value.stringValue;
  if (Object.hasOwn(value, 'intValue')) return value.intValue.toNumber();
  if (Object.hasOwn(value, 'doubleValue')) return value.doubleValue;
  if (Object.hasOwn(value, 'boolValue')) return value.boolValue;
  return Object.hasOwn(value, 'arrayValue') ? readTexts(value.arrayValue) : undefined;
}

function readTexts(bytes: Uint8Array): readonly string[] | undefined {
  if (!isSmall(bytes)) return undefined;
  const { values } = decode(ArrayValue, bytes);
  if (values.length > MAX_TEXTS || !values.every(isSmall)) return undefined;
  const texts = values.map((value) => decode(AnyValue, value));
  return texts.every((text) => Object.hasOwn(text, 'stringValue'))
    ? texts.map(({ stringValue }) => stringValue)
    : undefined;
}

const ONLY_EXCEPTION_TYPE: ReadonlySet<string> = new Set([EXCEPTION_TYPE]);

async function readExceptionType(events: readonly Uint8Array[], turns: Turns): Promise<AttributeValue> {
  for (const bytes of events) {
    if (turns.due(bytes.length)) await turns.take();
    if (!isSmall(bytes)) continue;
    const { name, attributes } = decode(Event, bytes);
    if (name === EXCEPTION_EVENT)
      return (await readAttributes(attributes, ONLY_EXCEPTION_TYPE, turns)).get(EXCEPTION_TYPE);
  }
  return undefined;
}

function readLinks(links: readonly Uint8Array[]): readonly SpanContext[] {
  return links
    .slice(0, MAX_SPAN_LINKS)
    .filter(isSmall)
    .map((bytes) => decode(Link, bytes))
    .map(({ traceId, spanId, flags }) => ({
      traceId: traceId.toString('hex'),
      spanId: spanId.toString('hex'),
      traceFlags: flags & 0xff,
    }))
    .filter(({ traceId, spanId }) => isId(traceId, 32) && isId(spanId, 16));
}

function decode<Message>(type: Decoder<Message>, bytes: Uint8Array): Message {
  return type.decode(open(bytes));
}

function bigint({ low, high }: Long): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}
