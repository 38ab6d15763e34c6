import type { HrTime, Span, SpanContext } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { ChainEvent } from '../model/event.ts';
import { SCOPE_NAME } from '../model/semconv.ts';
import { encode } from '../model/span-codec.ts';

/** The span of a step, or of a chain, that has ended, where this process has not recorded it. */
export function runSpan(event: ChainEvent, resource: Resource, links?: readonly SpanContext[]): ReadableSpan {
  const { stage, time, duration = 0, spanContext, runId } = event;
  return {
    ...encode(event),
    ...(links && { links: links.map((context) => ({ context })) }),
    spanContext: () => spanContext,
    ...(stage === 'chain' ? {} : { parentSpanContext: { ...spanContext, spanId: runId } }),
    startTime: toHrTime(time - duration * 1e3),
    endTime: toHrTime(time),
    duration: toHrTime(duration * 1e3),
    events: [],
    ended: true,
    resource,
    instrumentationScope: { name: SCOPE_NAME },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** The same as a span processor is shown it at its start: nobody can change it. */
export function unchangeable<S extends ReadableSpan>(span: S): S & Span {
  const same = () => shown;
  const shown: S & Span = {
    ...span,
    isRecording: () => false,
    setAttribute: same,
    setAttributes: same,
    addEvent: same,
    addLink: same,
    addLinks: same,
    setStatus: same,
    updateName: same,
    end: () => {},
    recordException: () => {},
  };
  return shown;
}

/** @param milliseconds since the Unix epoch, or of a duration */
function toHrTime(milliseconds: number): HrTime {
  const seconds = Math.floor(milliseconds / 1e3);
  return [seconds, Math.round((milliseconds - seconds * 1e3) * 1e6)];
}
