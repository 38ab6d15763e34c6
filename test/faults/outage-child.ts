import { statSync } from 'node:fs';
import { mock } from 'node:test';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import {
  type BridgeStats,
  type DeliverySettings,
  defineTracer,
  sqliteJournal,
  TracerSpanProcessor,
} from '../../src/index.ts';
import { CallsInOrder, tracerOf, wellTracer } from './calls-in-order.ts';
import { passRun, RUN_CALLS } from './numbered-runs.ts';
import { say } from './say.ts';

// A process through an hour in which one of two tracers cannot be reached, and until that one has heard everything
// afterwards. The hour passes as fast as its runs do: by a clock that is set on with each of them.

/** What it tells. */
export type OutageMessage =
  /** The hour is over, and the tracer that can be reached has heard everything. Seconds that it took in fact. */
  | { readonly fed: Seen; readonly seconds: number }
  /** The other one has heard everything as well, and the process has nothing left to do. Calls that came out of turn. */
  | { readonly drained: Seen; readonly callsPerSecond: number; readonly faults: readonly string[] };

/** How it stands. */
interface Seen {
  readonly stats: BridgeStats;
  /** Bytes of the journal's files together, and of this process, at the most so far. */
  readonly disk: number;
  readonly memory: number;
}

const HOUR = 3_600_000;
/** Runs that are under way. */
const UNDER_WAY = 100;
/** The hour passes about a hundred times as fast as others: what waits for a part of it, a hundredth of the default. */
const DELIVERY: DeliverySettings = {
  retry: { initialInterval: 10, maxInterval: 600 },
  circuitBreaker: { pause: 100 },
};
/** Milliseconds between two looks at the files. */
const LOOK = 10;
/** Milliseconds that have passed in fact. */
const now = performance.now.bind(performance);

const [path = '', runs = ''] = process.argv.slice(2);
await outage(path, Number(runs));

async function outage(path: string, runs: number): Promise<void> {
  const well = new CallsInOrder(runs);
  const down = new CallsInOrder(runs);
  let isDown = true;
  const unreachable = tracerOf(async (call, event) => {
    const run = down.made(call, event);
    if (isDown) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    down.answered(run);
    return true;
  });
  const bridge = new TracerSpanProcessor({
    journal: await sqliteJournal({ path }),
    tracers: [
      { name: 'down', module: defineTracer({ audit: true, create: () => unreachable }), delivery: DELIVERY },
      { name: 'well', module: wellTracer(well) },
    ],
  });
  const provider = new TracerProvider({ spanProcessors: [bridge] });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  let disk = 0;
  const look = () => {
    disk = Math.max(disk, bytesOf(path));
  };
  const looks = setInterval(look, LOOK);
  const seen = (): Seen => {
    look();
    return { stats: bridge.stats(), disk, memory: process.resourceUsage().maxRSS * 1_024 };
  };

  const began = now();
  await hour(runs, bridge);
  await well.all;
  const over = now();
  say({ fed: seen(), seconds: (over - began) / 1e3 } satisfies OutageMessage);
  isDown = false;
  await down.all;
  const callsPerSecond = (runs * RUN_CALLS.length) / ((now() - over) / 1e3);
  await provider.shutdown();
  clearInterval(looks);
  const faults = [well, down].flatMap(({ fault }) => fault ?? []);
  say({ drained: seen(), callsPerSecond, faults } satisfies OutageMessage);
}

/** Passes runs, spread over the hour that is over when they have passed. */
async function hour(runs: number, bridge: TracerSpanProcessor): Promise<void> {
  const start = Date.now() - HOUR;
  let passed = 0;
  // Both clocks, and no timers: what is waited for in the journal is the disk.
  mock.timers.enable({ apis: ['Date'], now: start });
  performance.now = () => now() + passed;
  let next = 0;
  const oneByOne = async () => {
    for (let run = next++; run < runs; run = next++) {
      passed = Math.round((run / runs) * HOUR);
      mock.timers.setTime(start + passed);
      await passRun(run);
      await bridge.room();
    }
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, oneByOne));
  passed = HOUR;
  mock.timers.reset();
}

function bytesOf(path: string): number {
  const files = ['', '-wal', '-shm'].map((end) => statSync(path + end, { throwIfNoEntry: false })?.size ?? 0);
  return files.reduce((sum, size) => sum + size, 0);
}
