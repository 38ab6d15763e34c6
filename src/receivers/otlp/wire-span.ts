import type { SpanContext } from '@opentelemetry/api';
import { ATTR, CONSERVER_ATTR } from '../../model/semconv.ts';

/** A value of an attribute, as far as one is read: texts of an array, nothing of what lies deeper. */
export type AttributeValue = string | number | boolean | readonly string[] | undefined;

/** What is read of a span, in whatever encoding it came. What was not there is empty or 0. */
export interface WireSpan {
  readonly scope: string;
  readonly name: string;
  /** Ids are lower-case hex. */
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  /** Nanoseconds since the Unix epoch. */
  readonly start: bigint;
  readonly end: bigint;
  readonly status: number;
  /** Only those that are {@link READ}. */
  readonly attributes: ReadonlyMap<string, AttributeValue>;
  /** Of the first exception event. */
  readonly exceptionType: AttributeValue;
  readonly links: readonly SpanContext[];
}

/** The attributes that are read. Of the others not even the value is looked at. */
export const READ: ReadonlySet<string> = new Set([
  CONSERVER_ATTR.vconId,
  CONSERVER_ATTR.chainName,
  CONSERVER_ATTR.linkIndex,
  ATTR.errorType,
  ATTR.chainLinks,
  ATTR.chainOutcome,
  ATTR.linkOutcome,
  ATTR.vconOutUuid,
]);

export const EXCEPTION_EVENT = 'exception';
export const EXCEPTION_TYPE = 'exception.type';

/** Span links that are read of one span. */
export const MAX_SPAN_LINKS = 128;
/** Texts of one array that are read; one that has more is as good as none. */
export const MAX_TEXTS = 1_000;

/** Whether an id is one: of so many hex digits, and not all of them 0. */
export function isId(text: string, digits: 16 | 32): boolean {
  return (digits === 16 ? SPAN_ID : TRACE_ID).test(text);
}

const SPAN_ID = /^(?!0{16})[0-9a-f]{16}$/;
const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/;
