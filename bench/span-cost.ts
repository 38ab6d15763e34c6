/**
 * What a span costs, in processor time of the JavaScript thread: a bare SDK, then our
 * processors beside it. Everything up to the last tracer call counts.
 */
import type { SpanProcessor } from '@opentelemetry/sdk-trace';
import { SpanMetricsProcessor } from '../src/exporters/span-metrics.ts';
import { TracerSpanProcessor } from '../src/index.ts';
import { SPANS_PER_CHAIN, sixSpans, startSdk } from './chain.ts';
import { median, printTable, SHORT, spread } from './measure.ts';

const CHAINS = SHORT ? 50 : 2_000;
const ROUNDS = SHORT ? 1 : 15;
const CHAINS_PER_TURN = 20;

let calls = 0;
const trivial = {
  trace: () => {
    calls += 1;
  },
  run: () => {
    calls += 1;
    return true;
  },
};

const bridge = (tracers: number) =>
  new TracerSpanProcessor({
    tracers: Array.from({ length: tracers }, (_, i) => ({ name: `t${i}`, module: trivial })),
  });

const variants: Record<string, () => SpanProcessor[]> = {
  'bare SDK': () => [],
  '+ bridge, 1 tracer': () => [bridge(1)],
  '+ bridge, 3 tracers': () => [bridge(3)],
  '+ bridge, 5 tracers': () => [bridge(5)],
  '+ span-metrics': () => [new SpanMetricsProcessor()],
  '+ bridge, 5 tracers, span-metrics': () => [bridge(5), new SpanMetricsProcessor()],
};

const took = Object.fromEntries(Object.keys(variants).map((name): [string, number[]] => [name, []]));
for (let round = -2; round < ROUNDS; round += 1)
  for (const [name, processors] of Object.entries(variants)) {
    const cost = await perSpan(processors());
    if (round >= 0) took[name]?.push(cost);
  }

const bare = took['bare SDK'] ?? [];
printTable(
  `Cost per span of a ${SPANS_PER_CHAIN}-span chain (${ROUNDS} rounds in turn, ${CHAINS} chains each)`,
  [
    ['', 'ns/span', 'of bare', 'spread'],
    ...Object.entries(took).map(([name, values]) => [
      name,
      median(values).toFixed(0),
      `${median(values.map((value, i) => value / (bare[i] ?? Number.NaN))).toFixed(2)} ×`,
      `${spread(values).toFixed(0)} %`,
    ]),
  ],
);
if (calls === 0) throw new Error('no tracer was called');

async function perSpan(processors: SpanProcessor[]): Promise<number> {
  const sdk = startSdk(processors);
  global.gc?.();
  const before = process.threadCpuUsage();
  for (let i = 0; i < CHAINS; i += 1) {
    await sixSpans('0190c3a4-0000-8000-8000-000000000000');
    // A conserver waits for I/O in every chain; without a turn of the event loop nothing else would get one.
    if (i % CHAINS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  for (const processor of processors) await processor.forceFlush();
  const { user, system } = process.threadCpuUsage(before);
  await sdk.shutdown();
  return ((user + system) * 1e3) / (CHAINS * SPANS_PER_CHAIN);
}
