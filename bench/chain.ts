import { setImmediate as turn } from 'node:timers/promises';
import { context, metrics, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { AggregationTemporality, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, type SpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { TracerSpanProcessor, traceChain } from '../src/index.ts';

/** Spans of the chain that is measured: itself, three links, two storages. */
export const SPANS_PER_CHAIN = 6;

const chain = { name: 'main', links: ['a', 'b', 'c'] };
const same = (uuid: string) => uuid;
const keep = () => {};

/** One chain of six spans whose steps do nothing. */
export async function sixSpans(uuid: string): Promise<void> {
  await traceChain(chain, uuid, async (run) => {
    await run.link('a', same);
    await run.link('b', same);
    await run.link('c', same);
    await run.storage({ name: 's1' }, keep);
    await run.storage({ name: 's2' }, keep);
  });
}

/** Chains between two turns of the event loop: a conserver waits for I/O in every chain. */
export const CHAINS_PER_TURN = 20;

/** Passes chains of six spans, and waits until tracers have heard them. */
export async function passChains(count: number, processors: readonly SpanProcessor[]): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    await sixSpans('0190c3a4-0000-8000-8000-000000000000');
    if (i % CHAINS_PER_TURN > 0) continue;
    await turn();
    // With nothing else to do, chains come faster than any disk takes them.
    for (const bridge of bridgesOf(processors)) await bridge.room();
  }
  for (const processor of processors) await processor.forceFlush();
}

/** A cost that is low because tracers heard nothing would prove nothing. */
export function requireDelivered(processors: readonly SpanProcessor[]): void {
  for (const bridge of bridgesOf(processors)) {
    const { events, tracers } = bridge.stats();
    for (const { ok } of Object.values(tracers))
      if (events === 0 || ok !== events) throw new Error('a tracer did not hear every event');
  }
}

function bridgesOf(processors: readonly SpanProcessor[]): TracerSpanProcessor[] {
  return processors.filter((processor) => processor instanceof TracerSpanProcessor);
}

/** Registers an SDK whose spans go to the processors and, in batches, to an exporter that discards them. */
export function startSdk(processors: readonly SpanProcessor[]): { shutdown(): Promise<void> } {
  const discard = {
    export: (_: unknown, done: (r: { code: number }) => void) => done({ code: 0 }),
    shutdown: async () => {},
  };
  const meters = new MeterProvider({ readers: [new IdleReader()] });
  const provider = new TracerProvider({
    spanProcessors: [
      new BatchSpanProcessor({ exporter: discard, maxQueueSize: 100_000, scheduledDelayMillis: 10 }),
      ...processors,
    ],
  });
  metrics.setGlobalMeterProvider(meters);
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  return {
    shutdown: async () => {
      await provider.shutdown();
      await meters.shutdown();
      trace.disable();
      metrics.disable();
      context.disable();
    },
  };
}

/** A reader that is never read: metrics are recorded as in production, nobody collects them. */
class IdleReader extends MetricReader {
  constructor() {
    super({ aggregationTemporalitySelector: () => AggregationTemporality.CUMULATIVE });
  }
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}
