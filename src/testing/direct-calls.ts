import { deepStrictEqual } from 'node:assert/strict';
import { createTracer, isSpanProcessor } from '../delivery/create-tracer.ts';
import { withDeadline } from '../model/deadline.ts';
import { type ChainEvent, eventName } from '../model/event.ts';
import type { Options, TracerModule } from '../model/tracer.ts';
import type { VconStore } from '../model/vcon.ts';
import { everyVcon } from './every-vcon.ts';
import { Harness, TESTED } from './harness.ts';
import { lostRun } from './lost-run.ts';
import { SCRIPTED } from './scripted-chain.ts';

/** A tracer as the bridge uses it, for calls made by hand. */
export function bind(module: TracerModule, options: Options, timeout: number, vcons: VconStore = everyVcon) {
  const bound = createTracer({ name: TESTED, module, options }, { vcons });
  if (isSpanProcessor(bound)) return undefined;
  const { tracer } = bound;
  const inTime = (work: unknown, what: string) => withDeadline(Promise.resolve(work), timeout, what);
  const run = async (event: ChainEvent) => {
    const { inVconUuid, outVconUuid, links, linkIndex = 0 } = event;
    if (event.stage !== 'link' || event.phase !== 'complete') return;
    await inTime(
      tracer.run?.(inVconUuid, outVconUuid, TESTED, links, linkIndex, bound.options, event),
      'run',
    );
  };
  const call = async (event: ChainEvent) => {
    await inTime(tracer.trace?.(event.outVconUuid, eventName(event), bound.options, event), 'trace');
    await run(event);
  };
  return {
    /** Both documented calls of an event. */
    call,
    /** The same for events of different runs, together where the tracer takes them so. */
    async callTogether(events: readonly ChainEvent[]): Promise<void> {
      if (!tracer.traceBatch) await Promise.all(events.map(call));
      else {
        const told = await inTime(tracer.traceBatch(events, bound.options), 'traceBatch');
        const answers: readonly Partial<PromiseRejectedResult>[] = Array.isArray(told) ? told : [];
        if (Array.isArray(told))
          deepStrictEqual(told.length, events.length, 'traceBatch has answered for other events');
        for (const answer of answers) if (answer?.status === 'rejected') throw answer.reason;
        await Promise.all(events.map(run));
      }
    },
    forceFlush: () => inTime(tracer.forceFlush?.(), 'forceFlush'),
    shutdown: () => inTime(tracer.shutdown?.(), 'shutdown'),
  };
}

/** The events of the scripted chains, and of one whose end cannot be known. */
export async function scriptedEvents(timeout: number): Promise<readonly ChainEvent[]> {
  const harness = new Harness({ module: { trace: () => undefined }, options: {}, timeout });
  await harness.perform(SCRIPTED);
  await harness.end();
  return [...harness.witnessed, ...lostRun()];
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
  return directly(module, options, timeout, async (tracer, events) => {
    for (const event of events) {
      await Promise.all([tracer.call(event), tracer.call(event)]);
      await tracer.call(event);
    }
  });
}

/** What comes first of each run, then what comes next of each, and so on. */
export function batchesOf(events: readonly ChainEvent[]): (readonly ChainEvent[])[] {
  const runs = [...Map.groupBy(events, ({ runId }) => runId).values()];
  const longest = Math.max(...runs.map((run) => run.length));
  return Array.from({ length: longest }, (_, place) => runs.flatMap((run) => run[place] ?? []));
}

/**
 * Hands over events of different runs together, each twice.
 * @returns the events, each once
 */
export async function checkBatches(
  module: TracerModule,
  options: Options,
  timeout: number,
): Promise<readonly ChainEvent[]> {
  return directly(module, options, timeout, async (tracer, events) => {
    for (const batch of batchesOf(events)) {
      await tracer.callTogether(batch);
      await tracer.callTogether(batch);
    }
  });
}

/** Has a tracer called without a delivery, and ends it. @returns the events that it is called for */
async function directly(
  module: TracerModule,
  options: Options,
  timeout: number,
  work: (tracer: NonNullable<ReturnType<typeof bind>>, events: readonly ChainEvent[]) => Promise<void>,
): Promise<readonly ChainEvent[]> {
  const events = await scriptedEvents(timeout);
  const tracer = bind(module, options, timeout);
  if (!tracer) return events;
  await work(tracer, events);
  await tracer.shutdown();
  return events;
}

/** Flushes and shuts down tracers again and again, before, between and after events. */
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
  // Later calls may be refused, but must not hang.
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
