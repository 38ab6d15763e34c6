import {
  type Attributes,
  type HrTime,
  type Link,
  type SpanContext,
  SpanKind,
  type SpanStatus,
  SpanStatusCode,
} from '@opentelemetry/api';
import { emptyResource } from '@opentelemetry/resources';
import type { ReadableSpan, Span } from '@opentelemetry/sdk-trace';
import { SCOPE_NAME } from '../../model/semconv.ts';

const RESOURCE = emptyResource();
const SCOPE = { name: SCOPE_NAME };

/** What is known of a span when it starts. */
export interface ReplayedStart {
  readonly name: string;
  readonly spanContext: SpanContext;
  readonly parentSpanId?: string;
  readonly start: HrTime;
  /** Its own from then on. */
  readonly attributes: Attributes;
  readonly links?: readonly Link[];
}

/** What is known of it when it ends. */
export interface ReplayedEnd {
  /** Where the start was not known exactly before. */
  readonly start?: HrTime;
  readonly end: HrTime;
  readonly attributes: Attributes;
  readonly failed: boolean;
}

/**
 * A span that was recorded elsewhere, or never, as span processors are to see it: it starts, and ends later, like one of
 * this process. Nobody can change it.
 */
export class ReplayedSpan implements Span {
  readonly name: string;
  readonly kind = SpanKind.INTERNAL;
  readonly parentSpanContext?: SpanContext;
  readonly attributes: Attributes;
  readonly links: Link[];
  readonly events = [];
  readonly resource = RESOURCE;
  readonly instrumentationScope = SCOPE;
  readonly droppedAttributesCount = 0;
  readonly droppedEventsCount = 0;
  readonly droppedLinksCount = 0;
  status: SpanStatus = { code: SpanStatusCode.UNSET };
  startTime: HrTime;
  endTime: HrTime = [0, 0];
  duration: HrTime = [0, 0];
  ended = false;
  readonly #context: SpanContext;

  constructor({ name, spanContext, parentSpanId, start, attributes, links = [] }: ReplayedStart) {
    this.name = name;
    this.#context = spanContext;
    if (parentSpanId !== undefined)
      this.parentSpanContext = { ...spanContext, spanId: parentSpanId, isRemote: true };
    this.startTime = start;
    this.attributes = attributes;
    this.links = [...links];
  }

  /** It has ended. */
  finish({ start = this.startTime, end, attributes, failed }: ReplayedEnd): ReadableSpan {
    Object.assign(this.attributes, attributes);
    this.startTime = start;
    this.endTime = end;
    this.duration = between(start, end);
    if (failed) this.status = { code: SpanStatusCode.ERROR };
    this.ended = true;
    return this;
  }

  spanContext(): SpanContext {
    return this.#context;
  }

  isRecording(): boolean {
    return false;
  }

  setAttribute(): this {
    return this;
  }

  setAttributes(): this {
    return this;
  }

  addEvent(): this {
    return this;
  }

  addLink(): this {
    return this;
  }

  addLinks(): this {
    return this;
  }

  setStatus(): this {
    return this;
  }

  updateName(): this {
    return this;
  }

  end(): void {}

  recordException(): void {}
}

/** Clocks of two machines may differ: never below zero. */
function between([s1, n1]: HrTime, [s2, n2]: HrTime): HrTime {
  const nanoseconds = n2 - n1;
  const seconds = s2 - s1 + (nanoseconds < 0 ? -1 : 0);
  return seconds < 0 ? [0, 0] : [seconds, nanoseconds < 0 ? nanoseconds + 1e9 : nanoseconds];
}
