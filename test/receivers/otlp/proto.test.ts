import protobuf from 'protobufjs';
import { describe, expect, test } from 'vitest';
import { FIELDS } from '../../../src/receivers/otlp/protobuf.ts';
import { ANSWER, OFFICIAL } from '../../support/otlp-request.ts';

describe('each field that is read is the official one, by its number and as it is on the wire', () => {
  const TYPES: Readonly<Record<keyof typeof FIELDS, string>> = {
    ExportTraceServiceRequest: 'ExportTraceServiceRequest',
    ResourceSpans: 'opentelemetry.proto.trace.v1.ResourceSpans',
    ScopeSpans: 'opentelemetry.proto.trace.v1.ScopeSpans',
    InstrumentationScope: 'opentelemetry.proto.common.v1.InstrumentationScope',
    Span: 'opentelemetry.proto.trace.v1.Span',
    Event: 'opentelemetry.proto.trace.v1.Span.Event',
    Link: 'opentelemetry.proto.trace.v1.Span.Link',
    Status: 'opentelemetry.proto.trace.v1.Status',
    KeyValue: 'opentelemetry.proto.common.v1.KeyValue',
    AnyValue: 'opentelemetry.proto.common.v1.AnyValue',
    ArrayValue: 'opentelemetry.proto.common.v1.ArrayValue',
  };
  for (const [name, fields] of Object.entries(FIELDS))
    test(name, () => {
      const theirs = OFFICIAL.lookupType(TYPES[name as keyof typeof FIELDS]).fields;
      for (const [field, tag] of Object.entries(fields))
        expect([field, tag]).toEqual([field, tagOf(theirs[field])]);
    });
});

describe('each message of an answer has the fields of the official one, under the same numbers', () => {
  for (const name of ['ExportTraceServiceResponse', 'ExportTracePartialSuccess'])
    test(name, () => {
      const theirs = OFFICIAL.lookupType(`opentelemetry.proto.collector.trace.v1.${name}`).fields;
      const fields = Object.values(ANSWER.lookupType(name).fields);
      expect(fields).not.toEqual([]);
      for (const field of fields) expect(onWire(field)).toEqual(onWire(theirs[field.name]));
    });
});

/** The field's number, and how it is written. */
function tagOf(field: protobuf.Field | undefined): number | undefined {
  const { id = 0, type = '' } = field ?? {};
  const wireType =
    (protobuf.types.basic as Readonly<Record<string, number>>)[type] ??
    (field?.resolve().resolvedType instanceof protobuf.Type ? 2 : 0);
  return field && (id << 3) | wireType;
}

/** Messages are bytes on the wire; enums are integers. */
function onWire(field: protobuf.Field | undefined): object {
  const resolved = field?.resolve().resolvedType;
  const type = resolved instanceof protobuf.Type ? 'bytes' : resolved ? 'int32' : field?.type;
  return { id: field?.id, repeated: field?.repeated, type };
}
