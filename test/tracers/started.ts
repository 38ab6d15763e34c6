import { createTracer, isSpanProcessor } from '../../src/delivery/create-tracer.ts';
import type { EventName } from '../../src/model/event.ts';
import type { EventContext, Options } from '../../src/model/tracer.ts';
import type { VconStore } from '../../src/model/vcon.ts';
import { builtInTracers } from '../../src/tracers/registry.ts';
import { memoryVconStore } from '../../src/vcon-store/memory.ts';

/** A built-in tracer as the bridge calls it: named `mine`, options checked and handed back with every call. */
export async function started(module: string, raw: Options, vcons: VconStore = memoryVconStore()) {
  const definition = builtInTracers.get(module);
  if (!definition) throw new Error(`no built-in tracer ${module}`);
  const bound = createTracer({ name: 'mine', module: definition, options: raw }, { vcons });
  if (isSpanProcessor(bound)) throw new Error(`${module} is a SpanProcessor`);
  const { tracer, options } = bound;
  return {
    tracer,
    trace: async (uuid: string, event: EventName, context: EventContext) =>
      tracer.trace?.(uuid, event, options, context),
    run: async (inUuid: string, outUuid: string, index: number, context: EventContext) =>
      tracer.run?.(inUuid, outUuid, 'mine', context.links, index, options, context),
    forceFlush: async () => tracer.forceFlush?.(),
    shutdown: async () => tracer.shutdown?.(),
  };
}

/** The context of a chain's start, 2026-03-01T12:00:00.250Z, or of what `facts` make of it. */
export function eventContext(facts: Partial<EventContext> = {}): EventContext {
  return {
    eventId: '00f067aa0ba902b7/chain/main/start',
    runId: '00f067aa0ba902b7',
    stage: 'chain',
    phase: 'start',
    chain: 'main',
    links: ['transcribe', 'analyze'],
    link: undefined,
    linkIndex: undefined,
    storage: undefined,
    inVconUuid: '018f0000-0000-8000-8000-000000000001',
    outVconUuid: '018f0000-0000-8000-8000-000000000001',
    outcome: undefined,
    errorType: undefined,
    time: 1_772_366_400_250.5,
    duration: undefined,
    spanContext: {
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      spanId: '00f067aa0ba902b7',
      traceFlags: 1,
    },
    vconSha256: undefined,
    inferred: [],
    ...facts,
  };
}

/** The context of link 1 of `main` after it ended well in 12.5 ms. */
export function linkContext(facts: Partial<EventContext> = {}): EventContext {
  return eventContext({
    eventId: '00f067aa0ba902b7/link/1/complete',
    stage: 'link',
    phase: 'complete',
    link: 'analyze',
    linkIndex: 1,
    outcome: 'success',
    duration: 0.0125,
    spanContext: {
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      spanId: '53995c3f42cd8ad8',
      traceFlags: 1,
    },
    ...facts,
  });
}
