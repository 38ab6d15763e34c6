import protobuf from 'protobufjs';
import { describe, expect, test } from 'vitest';
import { ANSWER, OFFICIAL, RECEIVED } from '../../support/otlp-request.ts';

describe('each message of ours has the fields of the official one, under the same numbers', () => {
  const PAIRS: Readonly<Record<string, string>> = {
    InstrumentationScope: 'opentelemetry.proto.common.v1.InstrumentationScope',
    SpanName: 'opentelemetry.proto.trace.v1.Span',
    Span: 'opentelemetry.proto.trace.v1.Span',
    Event: 'opentelemetry.proto.trace.v1.Span.Event',
    Link: 'opentelemetry.proto.trace.v1.Span.Link',
    Status: 'opentelemetry.proto.trace.v1.Status',
    KeyValue: 'opentelemetry.proto.common.v1.KeyValue',
    AnyValue: 'opentelemetry.proto.common.v1.AnyValue',
    ArrayValue: 'opentelemetry.proto.common.v1.ArrayValue',
    ExportTraceServiceResponse: 'opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse',
    ExportTracePartialSuccess: 'opentelemetry.proto.collector.trace.v1.ExportTracePartialSuccess',
  };
  for (const [name, official] of Object.entries(PAIRS))
    test(name, () => {
      const theirs = OFFICIAL.lookupType(official).fields;
      const fields = Object.values(ours(name).fields);
      expect(fields).not.toEqual([]);
      for (const field of fields) expect(onWire(field)).toEqual(onWire(theirs[field.name]));
    });
});

test('the framing that is walked through is the official one', () => {
  const idOf = (type: string, field: string) => OFFICIAL.lookupType(type).fields[field]?.id;
  expect(idOf('ExportTraceServiceRequest', 'resourceSpans')).toBe(1);
  expect(idOf('ResourceSpans', 'scopeSpans')).toBe(2);
  expect(idOf('ScopeSpans', 'scope')).toBe(1);
  expect(idOf('ScopeSpans', 'spans')).toBe(2);
});

function ours(name: string): protobuf.Type {
  return (name.startsWith('Export') ? ANSWER : RECEIVED).lookupType(name);
}

/** Messages are bytes on the wire, and ours may be read as such; enums are integers. */
function onWire(field: protobuf.Field | undefined): object {
  const resolved = field?.resolve().resolvedType;
  const type = resolved instanceof protobuf.Type ? 'bytes' : resolved ? 'int32' : field?.type;
  return { id: field?.id, repeated: field?.repeated, type };
}
