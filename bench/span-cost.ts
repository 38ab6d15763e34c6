/**
 * What a span costs, in processor time of the JavaScript thread: a bare SDK, then our processors beside it. Everything
 * up to the last tracer call counts. Each measurement has a process of its own, since whatever ran before in a process
 * decides how well its code is compiled; the variants take turns.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { metrics } from '@opentelemetry/api';
import type { SpanProcessor } from '@opentelemetry/sdk-trace';
import { OwnDurations, RunMetrics } from '../src/exporters/index.ts';
import { TracerSpanProcessor } from '../src/index.ts';
import { SpanMetricsProcessor } from '../src/service/span-metrics-processor.ts';
import { TracerDelivery } from '../src/service/tracer-delivery.ts';
import { passChains, requireDelivered, SPANS_PER_CHAIN, startSdk } from './chain.ts';
import { median, printTable, SHORT, spread } from './measure.ts';

const ROUNDS = SHORT ? 1 : 5;
/** In each process, after as many to warm up. */
const CHAINS = SHORT ? 200 : 20_000;

const trivial = { trace: () => undefined, run: () => true };
const settings = (tracers: number) => ({
  tracers: Array.from({ length: tracers }, (_, i) => ({ name: `t${i}`, module: trivial })),
});
const bridge = (tracers: number) => new TracerSpanProcessor(settings(tracers));
/** As a service has it: the runs that the bridge follows make the metrics, in histograms of our own. */
const served = (tracers: number) =>
  new TracerSpanProcessor(settings(tracers), new TracerDelivery(settings(tracers)), [
    new RunMetrics(metrics, () => true, new OwnDurations(() => true)),
  ]);

const variants: Readonly<Record<string, () => SpanProcessor[]>> = {
  'bare SDK': () => [],
  '+ bridge, 1 tracer': () => [bridge(1)],
  '+ bridge, 3 tracers': () => [bridge(3)],
  '+ bridge, 5 tracers': () => [bridge(5)],
  '+ span-metrics': () => [new SpanMetricsProcessor()],
  '+ bridge, 5 tracers, span-metrics': () => [bridge(5), new SpanMetricsProcessor()],
  '+ bridge, 5 tracers, own metrics': () => [served(5)],
};

const [, , only] = process.argv;
const chosen = only === undefined ? undefined : variants[only];
if (chosen) console.log(await nanosecondsPerSpan(chosen()));
else compare();

function compare(): void {
  const took = Object.keys(variants).map((name) => ({ name, values: [] as number[] }));
  for (let round = 0; round < ROUNDS; round += 1)
    for (const { name, values } of took) {
      const args = [...process.execArgv, fileURLToPath(import.meta.url), name, ...(SHORT ? ['--short'] : [])];
      values.push(Number(execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 })));
    }
  const bare = took[0]?.values ?? [];
  printTable(`Cost per span of a ${SPANS_PER_CHAIN}-span chain (${ROUNDS} processes each, in turn)`, [
    ['', 'ns/span', 'of bare', 'spread'],
    ...took.map(({ name, values }) => [
      name,
      median(values).toFixed(0),
      `${(median(values) / median(bare)).toFixed(2)} ×`,
      `${spread(values).toFixed(0)} %`,
    ]),
  ]);
}

async function nanosecondsPerSpan(processors: SpanProcessor[]): Promise<number> {
  const sdk = startSdk(processors);
  await passChains(CHAINS, processors);
  const before = process.threadCpuUsage();
  await passChains(CHAINS, processors);
  const { user, system } = process.threadCpuUsage(before);
  await sdk.shutdown();
  requireDelivered(processors);
  return ((user + system) * 1e3) / (CHAINS * SPANS_PER_CHAIN);
}
