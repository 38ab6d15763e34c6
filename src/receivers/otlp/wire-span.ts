import type { HrTime } from '@opentelemetry/api';
import { EXCEPTION, type SpanLike } from '../../model/span-like.ts';

/** A value of an attribute, as far as one is read: texts of an array, nothing of what lies deeper. `null`: it is there. */
export type AttributeValue = string | number | boolean | readonly string[] | null;

/** Attributes that were looked for and found. */
export type ReadAttributes = Record<string, AttributeValue>;

/** What is read of a span, in whatever encoding it came. What was not there is empty or 0. */
export interface WireSpan extends SpanLike {
  readonly scope: string;
  /** Ids are lower-case hex. */
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly start: HrTime;
  readonly end: HrTime;
}

/** A time that was not there. */
export const NO_TIME: HrTime = [0, 0];

/** Of an event nothing but the type of an exception is read. */
export const EXCEPTION_ATTRIBUTES: ReadonlySet<string> = new Set<string>([EXCEPTION.type]);

/** Texts of one array that are read; one that has more is as good as none. */
export const MAX_TEXTS = 1_000;

/** Whether an id is one: of so many hex digits in lower case, and not all of them 0. */
export function isId(text: string, digits: 16 | 32): boolean {
  if (text.length !== digits) return false;
  let isZero = true;
  for (let i = 0; i < digits; i += 1) {
    const code = text.charCodeAt(i);
    const isDigit = (code >= ZERO && code <= NINE) || (code >= A && code <= F);
    if (!isDigit) return false;
    isZero &&= code === ZERO;
  }
  return !isZero;
}

const [ZERO = 0, NINE = 0, A = 0, F = 0] = Array.from('09af', (digit) => digit.charCodeAt(0));
