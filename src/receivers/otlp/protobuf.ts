import { SpanStatusCode } from '@opentelemetry/api';
import { stageOf } from '../../model/semconv.ts';
import { EXCEPTION, READ_ATTRIBUTES } from '../../model/span-like.ts';
import { type DecodedTraces, ReceivedTraces } from './receive.ts';
import { Turns } from './turns.ts';
import { bytesField, fixed32Field, fixed64Field, varintField, WireReader } from './wire-reader.ts';
import {
  type AttributeValue,
  EXCEPTION_ATTRIBUTES,
  MAX_TEXTS,
  NO_TIME,
  type ReadAttributes,
  type WireSpan,
} from './wire-span.ts';

//  ExportTraceServiceRequest ─1─► ResourceSpans ─2─► ScopeSpans ─1─► InstrumentationScope
//                                                              └─2─► Span
//  Walked through field by field, where they are. The event loop can have a turn between any two of those above; a span is
//  read at once, because it may not have many. Nothing descends further than a level of an array of texts.

/** The fields that are read, by their numbers in OpenTelemetry's definition. */
export const FIELDS = {
  ExportTraceServiceRequest: { resourceSpans: bytesField(1) },
  ResourceSpans: { scopeSpans: bytesField(2) },
  ScopeSpans: { scope: bytesField(1), spans: bytesField(2) },
  InstrumentationScope: { name: bytesField(1) },
  Span: {
    traceId: bytesField(1),
    spanId: bytesField(2),
    parentSpanId: bytesField(4),
    name: bytesField(5),
    startTimeUnixNano: fixed64Field(7),
    endTimeUnixNano: fixed64Field(8),
    attributes: bytesField(9),
    events: bytesField(11),
    links: bytesField(13),
    status: bytesField(15),
  },
  Event: { name: bytesField(2), attributes: bytesField(3) },
  Link: { traceId: bytesField(1), spanId: bytesField(2), flags: fixed32Field(6) },
  Status: { code: varintField(3) },
  KeyValue: { key: bytesField(1), value: bytesField(2) },
  AnyValue: {
    stringValue: bytesField(1),
    boolValue: varintField(2),
    intValue: varintField(3),
    doubleValue: fixed64Field(4),
    arrayValue: bytesField(5),
  },
  ArrayValue: { values: bytesField(1) },
} as const;

/** What ScopeSpans were called until OTLP 0.19, of the same shape: `instrumentation_library_spans` of ResourceSpans. */
const LIBRARY_SPANS = bytesField(1000);

const { Span, Event, Link, KeyValue, AnyValue } = FIELDS;

/**
 * Reads the body of an OTLP request in protobuf, in slices.
 * @throws Error where it cannot be decoded
 */
export async function readProtobuf(body: Uint8Array): Promise<DecodedTraces> {
  const turns = new Turns();
  const traces = new ReceivedTraces();
  const reader = new WireReader(body);
  if (body.length > UNNOTICED) await turns.take();
  for (let tag = reader.next(); tag > 0; tag = reader.next()) {
    if (turns.due()) await turns.take();
    if (tag !== FIELDS.ExportTraceServiceRequest.resourceSpans) reader.skip();
    else await readResourceSpans(reader, traces, turns);
  }
  return traces;
}

/** Bytes that are read before anybody could notice. */
const UNNOTICED = 64 * 1024;

async function readResourceSpans(reader: WireReader, traces: ReceivedTraces, turns: Turns): Promise<void> {
  const outer = reader.enter();
  for (let tag = reader.next(); tag > 0; tag = reader.next()) {
    if (turns.due()) await turns.take();
    if (tag !== FIELDS.ResourceSpans.scopeSpans && tag !== LIBRARY_SPANS) reader.skip();
    else await readScopeSpans(reader, traces, turns);
  }
  reader.leave(outer);
}

async function readScopeSpans(reader: WireReader, traces: ReceivedTraces, turns: Turns): Promise<void> {
  const outer = reader.enter();
  const begin = reader.place;
  let scope = '';
  // It may stand behind the spans.
  for (let tag = reader.next(); tag > 0; tag = reader.next()) {
    if (turns.due()) await turns.take();
    if (tag === FIELDS.ScopeSpans.scope) scope = readScope(reader);
    else reader.skip();
  }
  reader.goBack(begin);
  for (let tag = reader.next(); tag > 0; tag = reader.next()) {
    const before = reader.place;
    if (tag === FIELDS.ScopeSpans.spans) readSpan(reader, scope, traces);
    else reader.skip();
    if (turns.due(reader.place - before)) await turns.take();
  }
  reader.leave(outer);
}

/** Fields of one message that are looked at, with those that lie deeper: SDKs write at most 128 attributes, events and links. */
const MAX_FIELDS = 20_000;

function readScope(reader: WireReader): string {
  const outer = reader.enter();
  let name = '';
  reader.allow(MAX_FIELDS);
  for (let tag = reader.next(); tag > 0; tag = reader.next())
    if (tag === FIELDS.InstrumentationScope.name) name = reader.text();
    else reader.skip();
  reader.allow(Number.POSITIVE_INFINITY);
  reader.leave(outer);
  return name;
}

/** Reads a span, if it is one of the conserver's. */
function readSpan(reader: WireReader, scope: string, traces: ReceivedTraces): void {
  const outer = reader.enter();
  const span = emptySpan(scope);
  let isOurs = true;
  // The scope, or a span that is nobody's.
  reader.hasMisread();
  reader.allow(MAX_FIELDS);
  for (let tag = reader.next(); tag > 0 && isOurs; tag = isOurs ? reader.next() : 0) {
    readField(tag, reader, span);
    if (tag === Span.name) isOurs = stageOf(span.name) !== undefined;
  }
  if (reader.isExhausted || (isOurs && reader.hasMisread())) traces.rejected++;
  else if (isOurs && span.name !== '') traces.add(span);
  else traces.ignored++;
  reader.allow(Number.POSITIVE_INFINITY);
  reader.leave(outer);
}

/** A span of which nothing is known yet. */
interface Unread extends Writable<Omit<WireSpan, 'attributes' | 'links'>> {
  readonly attributes: ReadAttributes;
  links: SpanLink[];
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };
type SpanLink = WireSpan['links'][number];

function emptySpan(scope: string): Unread {
  return {
    scope,
    name: '',
    traceId: '',
    spanId: '',
    parentSpanId: '',
    start: NO_TIME,
    end: NO_TIME,
    status: UNSET,
    attributes: {},
    events: NONE,
    links: NO_LINKS,
  };
}

const UNSET = { code: SpanStatusCode.UNSET };
const NONE: WireSpan['events'] = [];
/** Of a span that has none. */
const NO_LINKS: SpanLink[] = [];

function readField(tag: number, reader: WireReader, span: Unread): void {
  switch (tag) {
    case Span.traceId:
      span.traceId = reader.hex(true);
      break;
    case Span.spanId:
      span.spanId = reader.hex(false);
      break;
    case Span.parentSpanId:
      span.parentSpanId = reader.hex(true);
      break;
    case Span.name:
      span.name = reader.text();
      break;
    case Span.startTimeUnixNano:
      span.start = reader.time();
      break;
    case Span.endTimeUnixNano:
      span.end = reader.time();
      break;
    case Span.attributes:
      readAttribute(reader, READ_ATTRIBUTES, span.attributes);
      break;
    case Span.events:
      if (span.events.length === 0) span.events = readException(reader);
      else reader.skip();
      break;
    case Span.links:
      if (span.links === NO_LINKS) span.links = [];
      span.links.push(readLink(reader));
      break;
    case Span.status:
      span.status = { code: readStatus(reader) };
      break;
    default:
      reader.skip();
  }
}

function readAttribute(reader: WireReader, wanted: ReadonlySet<string>, found: ReadAttributes): void {
  const outer = reader.enter();
  let key = '';
  let value: AttributeValue = null;
  for (let tag = reader.next(); tag > 0; tag = reader.next())
    if (tag === KeyValue.key) key = reader.text();
    // It may stand before the key.
    else if (tag === KeyValue.value && (key === '' || wanted.has(key))) value = readValue(reader);
    else reader.skip();
  if (wanted.has(key)) found[key] = value;
  reader.leave(outer);
}

function readValue(reader: WireReader): AttributeValue {
  const outer = reader.enter();
  let value: AttributeValue = null;
  for (let tag = reader.next(); tag > 0; tag = reader.next())
    if (tag === AnyValue.stringValue) value = reader.text();
    else if (tag === AnyValue.intValue) value = reader.int64();
    else if (tag === AnyValue.doubleValue) value = reader.double();
    else if (tag === AnyValue.boolValue) value = reader.bool();
    else if (tag === AnyValue.arrayValue) value = readTexts(reader);
    else reader.skip();
  reader.leave(outer);
  return value;
}

/** @returns null where they are too many, or not all texts */
function readTexts(reader: WireReader): readonly string[] | null {
  const outer = reader.enter();
  const texts: (string | null)[] = [];
  for (let tag = reader.next(); tag > 0; tag = reader.next())
    if (tag === FIELDS.ArrayValue.values) texts.push(readText(reader));
    else reader.skip();
  reader.leave(outer);
  return texts.length <= MAX_TEXTS && texts.every((text) => text !== null) ? texts : null;
}

function readText(reader: WireReader): string | null {
  const outer = reader.enter();
  let text: string | null = null;
  for (let tag = reader.next(); tag > 0; tag = reader.next())
    if (tag === AnyValue.stringValue) text = reader.text();
    else reader.skip();
  reader.leave(outer);
  return text;
}

function readException(reader: WireReader): WireSpan['events'] {
  const outer = reader.enter();
  const attributes: ReadAttributes = {};
  let name = '';
  for (let tag = reader.next(); tag > 0; tag = reader.next())
    if (tag === Event.name) name = reader.text();
    else if (tag === Event.attributes) readAttribute(reader, EXCEPTION_ATTRIBUTES, attributes);
    else reader.skip();
  reader.leave(outer);
  return name === EXCEPTION.event ? [{ name, attributes }] : NONE;
}

function readLink(reader: WireReader): SpanLink {
  const outer = reader.enter();
  const context = { traceId: '', spanId: '', traceFlags: 0 };
  for (let tag = reader.next(); tag > 0; tag = reader.next())
    if (tag === Link.traceId) context.traceId = reader.hex(true);
    else if (tag === Link.spanId) context.spanId = reader.hex(true);
    else if (tag === Link.flags) context.traceFlags = reader.fixed32() & 0xff;
    else reader.skip();
  reader.leave(outer);
  return { context };
}

function readStatus(reader: WireReader): number {
  const outer = reader.enter();
  let code: number = SpanStatusCode.UNSET;
  for (let tag = reader.next(); tag > 0; tag = reader.next())
    if (tag === FIELDS.Status.code) code = reader.int32();
    else reader.skip();
  reader.leave(outer);
  return code;
}
