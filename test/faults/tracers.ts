import { join } from 'node:path';
import { median } from '../../bench/measure.ts';
import { sqliteJournal, TracerSpanProcessor } from '../../src/index.ts';
import { withDeadline } from '../../src/model/deadline.ts';
import { startSdk } from '../support/sdk.ts';
import { brokenTracer, type Failures } from './broken-tracer.ts';
import { CallsInOrder, wellTracer } from './calls-in-order.ts';
import { requireDelivered } from './delivered.ts';
import { type Fault, require, runFaults, TooSlow } from './fault.ts';
import { passRun, RUN_EVENTS } from './numbered-runs.ts';

/** A tracer that fails every second call, beside two that are well. */
export const tracers: Fault = {
  name: 'tracers',
  title: 'a tracer that throws, rejects or hangs at every second call, beside two that are well',
  inject: async ({ size, seed, folder, say }) => {
    const runs = 500;
    const seeds = { full: 10, short: 1 }[size];
    // So that what is compiled at first slows down neither.
    await pass(join(folder, 'first.db'), 50, seed);
    const pairs: (readonly [alone: Passed, beside: Passed])[] = [];
    for (let i = 0; i < seeds; i += 1) {
      const alone = () => pass(join(folder, `alone-${i}.db`), runs);
      // By turns the first, so that what a machine does over time favours neither.
      const before = i % 2 === 0 ? await alone() : undefined;
      const beside = await pass(join(folder, `beside-${i}.db`), runs, seed + i * runs);
      const pair = [before ?? (await alone()), beside] as const;
      // Otherwise it was as fast as they, and shows nothing.
      if (beside.callsLeft === 0) throw new TooSlow();
      say(inWords(runs * RUN_EVENTS, ...pair));
      pairs.push(pair);
    }
    if (size === 'full') requireUnaffected(pairs);
  },
};

/** Runs that are under way. */
const UNDER_WAY = 8;
/** Short, so that it ends in seconds. It fails often enough in a row to be left alone now and then. */
const DELIVERY = {
  timeout: 20,
  retry: { initialInterval: 2, maxInterval: 50 },
  circuitBreaker: { failures: 15, pause: 10 },
};
/** Milliseconds that everything may take. */
const LIMIT = 900_000;
/** What the broken tracer may cost the others, whose processors it shares: so many times the time without, and milliseconds. */
const AT_MOST = { times: 3, run: 20, all: 500 };

/** What came of some runs. Milliseconds. */
interface Passed {
  /** From the start of a run until the tracers that are well have heard it all; the median. */
  readonly run: number;
  /** Until they have heard all runs. */
  readonly all: number;
  /** What the broken tracer had still to hear then, and how long that took. */
  readonly callsLeft: number;
  readonly longer: number;
  readonly failures: Failures;
}

/** @param seed of the broken tracer; without, it is not there */
async function pass(path: string, runs: number, seed?: number): Promise<Passed> {
  const broken = seed === undefined ? undefined : brokenTracer(runs, seed);
  const well = [new CallsInOrder(runs), new CallsInOrder(runs)] as const;
  const bridge = new TracerSpanProcessor({
    journal: await sqliteJournal({ path }),
    tracers: [
      ...(broken ? [{ name: 'broken', module: broken.tracer, delivery: DELIVERY }] : []),
      { name: 'at-once', module: wellTracer(well[0]) },
      { name: 'by-promise', module: wellTracer(well[1], Promise.resolve(true)) },
    ],
  });
  const sdk = startSdk([bridge]);
  let passed: Passed;
  try {
    const began = performance.now();
    const run = await withDeadline(passAll(runs, well), LIMIT, 'hearing all runs');
    const all = performance.now() - began;
    const callsLeft = broken?.calls.left ?? 0;
    await withDeadline(broken?.calls.all ?? Promise.resolve(), LIMIT, 'hearing them by the broken tracer');
    const failures = broken?.failures ?? { threw: 0, rejected: 0, hung: 0 };
    passed = { run, all, callsLeft, longer: performance.now() - began - all, failures };
  } finally {
    await sdk.shutdown();
  }
  for (const { fault } of broken ? [...well, broken.calls] : well)
    require(fault === undefined, () => fault ?? '');
  const stats = bridge.stats();
  await requireDelivered(stats, path, runs * RUN_EVENTS);
  const { threw, rejected, hung } = passed.failures;
  for (const [name, { retried }] of Object.entries(stats.tracers))
    require(retried === (name === 'broken' ? threw + rejected + hung : 0), () =>
      `${name}: ${retried} retries`);
  return passed;
}

/**
 * Passes runs, the next one whenever one was heard: what delays a tracer delays them all.
 * @returns the milliseconds that a run took until it was heard
 */
async function passAll(runs: number, tracers: readonly CallsInOrder[]): Promise<number> {
  const took: number[] = [];
  let next = 0;
  const oneByOne = async () => {
    for (let run = next++; run < runs; run = next++) {
      const began = performance.now();
      await passRun(run);
      await Promise.all(tracers.map((calls) => calls.heard(run)));
      took.push(performance.now() - began);
    }
  };
  const lanes = Array.from({ length: UNDER_WAY }, oneByOne);
  await Promise.all([...lanes, ...tracers.map(({ all }) => all)]);
  return median(took);
}

function requireUnaffected(pairs: readonly (readonly [alone: Passed, beside: Passed])[]): void {
  for (const what of ['run', 'all'] as const) {
    const alone = median(pairs.map(([passed]) => passed[what]));
    const beside = median(pairs.map(([, passed]) => passed[what]));
    require(beside <= AT_MOST.times * alone + AT_MOST[what], () =>
      `beside the broken tracer ${what} took ${inMs(beside)}, alone ${inMs(alone)}`);
  }
}

function inWords(events: number, alone: Passed, { run, all, callsLeft, longer, failures }: Passed): string {
  const { threw, rejected, hung } = failures;
  return [
    `${counted(events)} events heard by all, each run in order, 0 dead letters:`,
    `the two others in ${inMs(all)} (without the broken one ${inMs(alone.all)}), a run in ${inMs(run)} (${inMs(alone.run)});`,
    `the broken one, which threw ${counted(threw)}, rejected ${counted(rejected)} and hung ${counted(hung)} times,`,
    `had ${counted(callsLeft)} calls left then, for ${inMs(longer)}`,
  ].join(' ');
}

function inMs(value: number): string {
  return `${value.toFixed(value < 100 ? 1 : 0)} ms`;
}

function counted(value: number): string {
  return value.toLocaleString('en');
}

if (import.meta.main) await runFaults([tracers]);
