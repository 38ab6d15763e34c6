import { createTracer, isSpanProcessor } from '../bridge/create-tracer.ts';
import { withDeadline } from '../model/deadline.ts';
import { type ChainEvent, eventName } from '../model/event.ts';
import type { Options, TracerModule } from '../model/tracer.ts';
import type { VconStore } from '../model/vcon.ts';
import { SCRIPTED } from './chain-plan.ts';
import { everyVcon } from './every-vcon.ts';
import { Stand, TESTED } from './stand.ts';

/** A tracer as the bridge has it, for calls that are made by hand. */
export function bind(module: TracerModule, options: Options, timeout: number, vcons: VconStore = everyVcon) {
  const bound = createTracer({ name: TESTED, module, options }, { vcons });
  if (isSpanProcessor(bound)) return undefined;
  const { tracer } = bound;
  const inTime = (work: unknown, what: string) => withDeadline(Promise.resolve(work), timeout, what);
  return {
    /** Both documented calls of an event. */
    async call(event: ChainEvent): Promise<void> {
      const { inVconUuid, outVconUuid, links } = event;
      await inTime(tracer.trace?.(outVconUuid, eventName(event), bound.options, event), 'trace');
      if (event.stage === 'link' && event.phase === 'complete')
        await inTime(
          tracer.run?.(inVconUuid, outVconUuid, TESTED, links, event.linkIndex ?? 0, bound.options, event),
          'run',
        );
    },
    forceFlush: () => inTime(tracer.forceFlush?.(), 'forceFlush'),
    shutdown: () => inTime(tracer.shutdown?.(), 'shutdown'),
  };
}

/** The events of the scripted chains. */
export async function scriptedEvents(timeout: number): Promise<readonly ChainEvent[]> {
  const stand = new Stand({ module: { trace: () => undefined }, options: {}, timeout });
  await stand.perform(SCRIPTED);
  await stand.end();
  return stand.witnessed;
}

/**
 * Makes every call three times, the second at the same time as the first.
 * @returns the events, each once
 */
export async function checkRepeats(
  module: TracerModule,
  options: Options,
  timeout: number,
): Promise<readonly ChainEvent[]> {
  const events = await scriptedEvents(timeout);
  const tracer = bind(module, options, timeout);
  if (!tracer) return events;
  for (const event of events) {
    await Promise.all([tracer.call(event), tracer.call(event)]);
    await tracer.call(event);
  }
  await tracer.shutdown();
  return events;
}

/** Flushes and ends tracers again and again, before, between and after events. */
export async function checkLife(module: TracerModule, options: Options, timeout: number): Promise<void> {
  const events = await scriptedEvents(timeout);
  const tracer = bind(module, options, timeout);
  if (!tracer) return;
  await Promise.all([tracer.forceFlush(), tracer.forceFlush()]);
  const calls = events.slice(0, 3).map((event) => tracer.call(event));
  await Promise.all([tracer.forceFlush(), tracer.forceFlush(), ...calls]);
  await Promise.all([tracer.shutdown(), tracer.shutdown()]);
  await tracer.shutdown();
  await tracer.forceFlush();
  // What comes later may be refused; it must not hang.
  for (const event of events.slice(3, 5)) {
    try {
      await tracer.call(event);
    } catch (error) {
      if ((error as { code?: unknown } | null)?.code === 'TIMEOUT') throw error;
    }
  }
  const unused = bind(module, options, timeout);
  await unused?.shutdown();
}
