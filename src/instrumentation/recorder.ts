import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  type TimeInput,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { errorType, stackFrames } from '../model/error.ts';
import type { Stage } from '../model/event.ts';
import { encodeEnd, encodeStart, failureText, type SpanEnd, type SpanStart } from '../model/span-codec.ts';
import { EXCEPTION } from '../model/span-like.ts';

/**
 * Opens the span of a chain, a link or a storage (DESIGN §6).
 * @param parent of a link or storage: {@link insideChain}
 */
export function startSpan(tracer: Tracer, start: SpanStart, parent: Context, startTime?: TimeInput): Span {
  const { name, kind, attributes, links } = encodeStart(start);
  return tracer.startSpan(
    name,
    startTime === undefined ? { kind, attributes, links } : { kind, attributes, links, startTime },
    parent,
  );
}

/** The parent of a chain's links and storages, whatever span is current when they start. */
export function insideChain(chainSpan: Span): Context {
  return trace.setSpan(ROOT_CONTEXT, chainSpan);
}

/** Closes a span that {@link startSpan} has opened. */
export function endSpan(span: Span, stage: Stage, name: string, end: SpanEnd, endTime?: TimeInput): void {
  const { attributes, status } = encodeEnd(stage, name, end);
  span.setAttributes(attributes);
  if (end.outcome === 'error') span.setStatus(status);
  span.end(endTime);
}

/**
 * Adds the one `exception` event of a failure (OpenTelemetry semantic conventions, exceptions).
 * @param withStack adds the stack's frames, without the message that heads them
 */
export function addException(
  span: Span,
  stage: Stage,
  name: string,
  error: unknown,
  withStack: boolean,
): void {
  const type = errorType(error);
  const attributes: Attributes = {
    [EXCEPTION.type]: type,
    'exception.message': failureText(stage, name, type),
  };
  if (withStack) {
    const frames = stackFrames(error);
    if (frames !== '') attributes['exception.stacktrace'] = `${type}\n${frames}`;
  }
  span.addEvent(EXCEPTION.event, attributes);
}
