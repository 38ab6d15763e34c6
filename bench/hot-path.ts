/**
 * What a journal on SQLite costs the application, beside one in memory and with three tracers: what `onStart` and
 * `onEnd` take on the stack of whoever starts and ends a span, and the processor time of everything, up to the last
 * tracer call. Each variant in turn, in a process of its own.
 */
import { join } from 'node:path';
import type { SpanProcessor } from '@opentelemetry/sdk-trace';
import { type Journal, memoryJournal, sqliteJournal, TracerSpanProcessor } from '../src/index.ts';
import { passChains, requireDelivered, SPANS_PER_CHAIN, sixSpans, startSdk } from './chain.ts';
import { ownFolder } from './disk.ts';
import { median, printTable, SHORT, spread, uuidOf } from './measure.ts';
import { inOwnProcess, ownVariant, tellParent } from './own-process.ts';
import { RecordedSpans } from './recorded-spans.ts';

const ROUNDS = SHORT ? 1 : 5;
/** Of the hot path: so long that collecting garbage is part of each, so short that few are disturbed by others. */
const SLICES = SHORT ? 4 : 60;
const WARM_UP_SLICES = SHORT ? 1 : 20;
const CHAINS_PER_SLICE = SHORT ? 20 : 500;
/** Of everything, after as many to warm up. */
const CHAINS = SHORT ? 200 : 20_000;

/** Nanoseconds for each span. */
interface Cost {
  /** Of the application's thread. */
  readonly main: number;
  /** Of all threads of the process; 0 where that was not measured. */
  readonly all: number;
}

const BARE = 'bare SDK';
const MEMORY = '+ bridge, memory journal';
const SQLITE = '+ bridge, sqlite journal';
const journals: Readonly<Record<string, () => Promise<Journal>>> = {
  [MEMORY]: async () => memoryJournal(),
  [SQLITE]: () => sqliteJournal({ path: join(ownFolder(), 'journal.db') }),
};
const HOT = 'hot path ';

const variant = ownVariant();
if (variant === undefined) await report();
else
  await tellParent(() =>
    variant.startsWith(HOT) ? hotPath(variant.slice(HOT.length)) : everything(variant),
  );

async function report(): Promise<void> {
  const names = [`${HOT}${MEMORY}`, `${HOT}${SQLITE}`, BARE, MEMORY, SQLITE];
  const costs = new Map(names.map((name) => [name, [] as Cost[]]));
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [name, rounds] of costs) rounds.push(await inOwnProcess<Cost>(import.meta.filename, name));
  const of = (name: string, which: keyof Cost = 'main') => (costs.get(name) ?? []).map((cost) => cost[which]);

  const inMemory = median(of(HOT + MEMORY));
  printTable(`onStart and onEnd of a span, 3 tracers (${ROUNDS} processes each, in turn)`, [
    ['', 'ns/span', 'of memory', 'spread'],
    ...[MEMORY, SQLITE].map((name) => row(name, of(HOT + name), inMemory)),
  ]);
  const bare = median(of(BARE));
  printTable(`Processor time per span of a ${SPANS_PER_CHAIN}-span chain, 3 tracers (the same processes)`, [
    ['', 'ns/span', 'of bare', 'spread', 'all threads'],
    ...[BARE, MEMORY, SQLITE].map((name) => [
      ...row(name, of(name), bare),
      median(of(name, 'all')).toFixed(0),
    ]),
  ]);
}

function row(name: string, values: readonly number[], one: number): string[] {
  const value = median(values);
  return [name, value.toFixed(0), `${(value / one).toFixed(2)} ×`, `${spread(values).toFixed(0)} %`];
}

/** Shows the bridge spans that an SDK made before, and lets tracers hear them before the next ones are made. */
async function hotPath(journal: string): Promise<Cost> {
  const recorded = new RecordedSpans();
  const sdk = startSdk([recorded]);
  const bridge = await bridgeWith(journal);
  const took: number[] = [];
  for (let slice = -WARM_UP_SLICES; slice < SLICES; slice += 1) {
    for (let i = 0; i < CHAINS_PER_SLICE; i += 1) await sixSpans(uuidOf(i));
    const nanoseconds = recorded.replayTo(bridge);
    if (slice >= 0) took.push(nanoseconds / (CHAINS_PER_SLICE * SPANS_PER_CHAIN));
    await bridge.forceFlush();
  }
  await sdk.shutdown();
  await bridge.shutdown();
  requireHeard(bridge, (WARM_UP_SLICES + SLICES) * CHAINS_PER_SLICE);
  return { main: median(took), all: 0 };
}

/** As in span-cost: recording, exporting and delivering. */
async function everything(variant: string): Promise<Cost> {
  const processors: SpanProcessor[] = variant === BARE ? [] : [await bridgeWith(variant)];
  const sdk = startSdk(processors);
  await passChains(CHAINS, processors);
  const before = { main: process.threadCpuUsage(), all: process.cpuUsage() };
  await passChains(CHAINS, processors);
  const main = process.threadCpuUsage(before.main);
  const all = process.cpuUsage(before.all);
  await sdk.shutdown();
  requireDelivered(processors);
  const perSpan = ({ user, system }: NodeJS.CpuUsage) => ((user + system) * 1e3) / (CHAINS * SPANS_PER_CHAIN);
  return { main: perSpan(main), all: perSpan(all) };
}

async function bridgeWith(name: string): Promise<TracerSpanProcessor> {
  const journal = await journals[name]?.();
  if (!journal) throw new Error(`there is no variant ${name}`);
  const module = { trace: () => undefined, run: () => true };
  const tracers = ['t0', 't1', 't2'].map((tracer) => ({ name: tracer, module }));
  return new TracerSpanProcessor({ tracers, journal });
}

function requireHeard(bridge: TracerSpanProcessor, chains: number): void {
  requireDelivered([bridge]);
  const { events, issues } = bridge.stats();
  const due = chains * SPANS_PER_CHAIN * 2;
  if (events !== due || Object.keys(issues).length > 0)
    throw new Error(`${due} events were due; heard: ${JSON.stringify(bridge.stats())}`);
}
