/**
 * What runs cost in memory: each run while it is open, in a process of its own with and without our processors,
 * and what is left of a run that has finished.
 */
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { TracerSpanProcessor, traceChain } from '../src/index.ts';
import { SpanMetricsProcessor } from '../src/service/span-metrics-processor.ts';
import { startSdk } from './chain.ts';
import { collectGarbage, grouped, median, printTable, SHORT, uuidOf } from './measure.ts';
import { inOwnProcess, ownVariant, tellParent } from './own-process.ts';

const OPEN_RUNS = SHORT ? 2_000 : 100_000;
const FINISHED_RUNS = SHORT ? 20_000 : 1_000_000;
const POINTS = 10;
const RUNS_PER_POINT = FINISHED_RUNS / POINTS;
const WARM_UP_RUNS = SHORT ? 1_000 : 20_000;
/** Runs between two turns of the event loop: a service waits for I/O in every run. */
const RUNS_PER_TURN = 20;
const RUNS_PER_GATE = 100;
const EVENTS_PER_FINISHED_RUN = 4;

const BARE = 'bare SDK';
const OURS = '+ bridge, 3 tracers, span-metrics';
const chain = { name: 'main', links: ['a'] };
const same = (uuid: string) => uuid;

interface Memory {
  readonly heap: number;
  readonly rss: number;
}

const variant = ownVariant();
if (variant === undefined) await report();
else await tellParent(() => measureOpenRuns(variant === OURS));

async function report(): Promise<void> {
  // Memory that one process has freed is not given back to the system at once: a second measurement would profit.
  const bare = await inOwnProcess<Memory>(import.meta.filename, BARE);
  const ours = await inOwnProcess<Memory>(import.meta.filename, OURS);
  printTable(`Memory of ${grouped(OPEN_RUNS)} runs open at once, bytes for each run`, [
    ['', 'heap', 'RSS'],
    [BARE, grouped(bare.heap), grouped(bare.rss)],
    [OURS, grouped(ours.heap), grouped(ours.rss)],
    ['  added', grouped(ours.heap - bare.heap), grouped(ours.rss - bare.rss)],
  ]);
  const heaps = await measureFinishedRuns();
  printTable(`Heap after finished runs (SDK ${OURS})`, [
    ['finished runs', 'heap'],
    ...heaps.map((heap, i) => [grouped((i + 1) * RUNS_PER_POINT), `${(heap / 1e6).toFixed(3)} MB`]),
  ]);
  console.log(`  growth over the second half: ${growth(heaps).toFixed(2)} bytes for each finished run`);
}

/** @returns the bytes that an open run takes */
async function measureOpenRuns(withOurs: boolean): Promise<Memory> {
  const { sdk, bridge } = start(withOurs);
  await finishRuns(WARM_UP_RUNS);
  const before = await memoryNow();
  const gates: (() => Promise<void>)[] = [];
  for (let opened = 0; opened < OPEN_RUNS; opened += RUNS_PER_GATE) {
    gates.push(openRuns(opened, RUNS_PER_GATE));
    await turn();
  }
  const after = await memoryNow();
  const open = bridge?.stats().openRuns;
  for (const close of gates) await close();
  await sdk.shutdown();
  if (bridge && open !== OPEN_RUNS) throw new Error(`the bridge had ${open} runs open`);
  if (bridge) requireDelivered(bridge, WARM_UP_RUNS * EVENTS_PER_FINISHED_RUN + OPEN_RUNS * 2);
  return { heap: (after.heap - before.heap) / OPEN_RUNS, rss: (after.rss - before.rss) / OPEN_RUNS };
}

/** @returns the bytes of the heap at each point */
async function measureFinishedRuns(): Promise<number[]> {
  const { sdk, bridge } = start(true);
  const heaps: number[] = [];
  for (let point = 0; point < POINTS; point += 1) {
    await finishRuns(RUNS_PER_POINT);
    heaps.push((await memoryNow()).heap);
  }
  await sdk.shutdown();
  if (bridge) requireDelivered(bridge, FINISHED_RUNS * EVENTS_PER_FINISHED_RUN);
  return heaps;
}

function start(withOurs: boolean) {
  if (!withOurs) return { sdk: startSdk([]), bridge: undefined };
  const trivial = { trace: () => {}, run: () => true };
  const tracers = ['t0', 't1', 't2'].map((name) => ({ name, module: trivial }));
  const bridge = new TracerSpanProcessor({ tracers });
  return { sdk: startSdk([bridge, new SpanMetricsProcessor()]), bridge };
}

/** Opens runs that wait; what is returned lets them end. */
function openRuns(from: number, count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const runs = Array.from({ length: count }, (_, i) => traceChain(chain, uuidOf(from + i), () => promise));
  return async () => {
    resolve();
    await Promise.all(runs);
    await turn();
  };
}

async function finishRuns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    await traceChain(chain, uuidOf(i), async (run) => {
      await run.link('a', same);
    });
    if (i % RUNS_PER_TURN === 0) await turn();
  }
}

/** In bytes, once everything that is under way has been exported and heard. */
async function memoryNow(): Promise<Memory> {
  // Ten times the delay after which the exporter is given what is left.
  await wait(100);
  collectGarbage();
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed, rss };
}

/** Runs that were not heard would cost nothing. */
function requireDelivered(bridge: TracerSpanProcessor, due: number): void {
  const { events, issues, tracers } = bridge.stats();
  const heard = Object.values(tracers).every(({ ok }) => ok === due);
  if (events !== due || !heard || Object.keys(issues).length > 0)
    throw new Error(`${due} events were due; heard: ${JSON.stringify(bridge.stats())}`);
}

/**
 * Bytes for each run over the second half, the median of its steps: at some time or other Node.js drops the 4.6 MB
 * that it took to load TypeScript, which in a mean would hide any growth.
 */
function growth(heaps: readonly number[]): number {
  const steps = heaps.slice(1).map((heap, i) => heap - (heaps[i] ?? Number.NaN));
  return median(steps.slice(-POINTS / 2)) / RUNS_PER_POINT;
}
