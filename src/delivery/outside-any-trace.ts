import { context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';

/** The key of the SDK's `suppressTracing` (@opentelemetry/core), repeated here because this folder must not import the SDK. */
const OUTSIDE = ROOT_CONTEXT.setValue(
  createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING'),
  true,
);

/** Runs something outside any trace: a tracer's own HTTP calls then make no spans, and do not join the trace of a chain. */
export function outsideAnyTrace(work: () => void): void {
  context.with(OUTSIDE, work);
}
