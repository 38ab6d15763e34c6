import type { HrTime } from '@opentelemetry/api';
import type { ChainEvent } from '../model/event.ts';
import type { EventContext } from '../model/tracer.ts';

/**
 * An event as a tracer is shown it. A new object for each call, so that no tracer can change what the next one
 * sees.
 */
export function eventContext(event: ChainEvent): EventContext {
  const context: { -readonly [K in keyof EventContext]: EventContext[K] } = {
    eventId: event.id,
    runId: event.runId,
    chain: event.chain,
    links: event.links,
    time: event.time[0] * 1e3 + event.time[1] / 1e6,
    spanContext: { traceId: event.traceId, spanId: event.spanId, traceFlags: event.traceFlags },
    inferred: event.inferred ?? [],
  };
  if (event.stage === 'link') {
    context.link = event.link;
    context.linkIndex = event.linkIndex;
  } else if (event.stage === 'storage') context.storage = event.storage;
  if (event.phase === 'start') return context;
  context.outcome = event.outcome;
  context.duration = seconds(event.duration);
  if (event.phase === 'error') context.errorType = event.errorType;
  return context;
}

function seconds([whole, nanoseconds]: HrTime): number {
  return whole + nanoseconds / 1e9;
}
