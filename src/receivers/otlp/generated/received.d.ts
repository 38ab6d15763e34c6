import type { Reader } from 'protobufjs/minimal.js';

/** Reads what is left of a reader as a message. Fields that are not there have the default value of their type. */
export interface Decoder<Message> {
  decode(reader: Reader): Message;
}

/** A 64-bit integer. */
export interface Long {
  readonly low: number;
  readonly high: number;
  toNumber(): number;
}

export const InstrumentationScope: Decoder<{ readonly name: string }>;
export const SpanName: Decoder<{ readonly name: string }>;
export const Span: Decoder<{
  readonly traceId: Buffer;
  readonly spanId: Buffer;
  readonly parentSpanId: Buffer;
  readonly name: string;
  readonly startTimeUnixNano: Long;
  readonly endTimeUnixNano: Long;
  readonly attributes: readonly Buffer[];
  readonly events: readonly Buffer[];
  readonly links: readonly Buffer[];
  readonly status: Buffer;
}>;
export const Event: Decoder<{ readonly name: string; readonly attributes: readonly Buffer[] }>;
export const Link: Decoder<{ readonly traceId: Buffer; readonly spanId: Buffer; readonly flags: number }>;
export const Status: Decoder<{ readonly code: number }>;
export const KeyValue: Decoder<{ readonly key: string; readonly value: Buffer }>;
/** Only what was on the wire is the message's own property. */
export const AnyValue: Decoder<{
  readonly stringValue: string;
  readonly boolValue: boolean;
  readonly intValue: Long;
  readonly doubleValue: number;
  readonly arrayValue: Buffer;
}>;
export const ArrayValue: Decoder<{ readonly values: readonly Buffer[] }>;
