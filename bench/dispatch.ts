/**
 * How fast tracers hear what waits for them: a backlog in a journal on SQLite, written before and opened anew, and the
 * same in memory, for 1, 3 and 5 tracers that answer at once, for 3 that answer with a promise, and for 1 and 3 in a thread each. Each
 * variant in turn, in a process of its own.
 */
import { join } from 'node:path';
import {
  type ChainEvent,
  type Journal,
  memoryJournal,
  sqliteJournal,
  type TracerModule,
  TracerSpanProcessor,
} from '../src/index.ts';
import { ThreadedTracer } from '../src/isolation/threaded-tracer.ts';
import { openFileAdmin } from '../src/journal/open-admin.ts';
import { systemClock } from '../src/model/clock.ts';
import { CALLS_PER_RUN, chainEvents, EVENTS_PER_RUN } from './chain-events.ts';
import { ownFolder } from './disk.ts';
import * as idleTracer from './idle-tracer.ts';
import { grouped, median, printTable, SHORT, spread } from './measure.ts';
import { inOwnProcess, ownVariant, tellParent } from './own-process.ts';

const ROUNDS = SHORT ? 1 : 5;
const RUNS = SHORT ? 100 : 6_250;
const EVENTS = RUNS * EVENTS_PER_RUN;
/** Events that are handed over at once, and how often before the first of them must be durable. */
const BLOCK = 500;
const BLOCKS = 20;
/** Of the bridge, which is not to give up while everything waits for a slow machine. */
const DRAIN_MS = 120_000;

type Answer = 'at once' | 'with a promise' | 'in a thread';

interface Speed {
  readonly calls: number;
  readonly events: number;
}

const MODULES: Readonly<Record<Answer, (name: string) => TracerModule | Promise<TracerModule>>> = {
  'at once': () => idleTracer,
  'with a promise': () => ({ trace: async () => undefined, run: async () => true }),
  'in a thread': async (name) => {
    const thread = new ThreadedTracer({
      ...{ name, file: join(import.meta.dirname, 'idle-tracer.ts'), options: {}, clock: systemClock },
      ...{ timeout: DRAIN_MS, patience: DRAIN_MS, making: DRAIN_MS, concurrency: 256, memory: 256 },
      ended: () => undefined,
      stray: () => undefined,
    });
    return thread.module(await thread.made);
  },
};

const CASES: readonly (readonly [tracers: number, answer: Answer])[] = [
  [1, 'at once'],
  [3, 'at once'],
  [5, 'at once'],
  [1, 'with a promise'],
  [3, 'with a promise'],
  [1, 'in a thread'],
  [3, 'in a thread'],
];
const DRIVERS = { memory: fromMemory, sqlite: fromSqlite };
const variants = CASES.flatMap(([tracers, answer]) =>
  (['memory', 'sqlite'] as const).map((driver) => ({
    name: `${tracers} tracer${tracers > 1 ? 's' : ''}, ${answer}, ${driver}`,
    measure: () => DRIVERS[driver](tracers, answer),
  })),
);

const wanted = ownVariant();
const chosen = variants.find(({ name }) => name === wanted);
if (chosen) await tellParent(chosen.measure);
else await report();

async function report(): Promise<void> {
  const measured = variants.map(({ name }) => ({ name, rounds: [] as Speed[] }));
  for (let round = 0; round < ROUNDS; round += 1)
    for (const { name, rounds } of measured) rounds.push(await inOwnProcess(import.meta.filename, name));
  printTable(
    `A backlog of ${grouped(EVENTS)} events, heard and its answers kept (${ROUNDS} processes each, in turn)`,
    [
      ['', 'calls/s', 'events/s', 'spread'],
      ...measured.map(({ name, rounds }) => [
        name,
        grouped(median(rounds.map(({ calls }) => calls))),
        grouped(median(rounds.map(({ events }) => events))),
        `${spread(rounds.map(({ calls }) => calls)).toFixed(0)} %`,
      ]),
    ],
  );
}

async function fromMemory(count: number, answer: Answer): Promise<Speed> {
  const journal = memoryJournal({ capacity: EVENTS });
  const { tracers, heard, completed } = await tracersOf(count, answer);
  const bridge = new TracerSpanProcessor({ tracers, journal, drainTimeout: DRAIN_MS, completed });
  // Nobody is called before the next turn of the event loop.
  void journal.append([...chainEvents(RUNS)]);
  const began = performance.now();
  await heard;
  await bridge.shutdown();
  return speed(bridge, began);
}

/** Until the answers are durable, and the journal is closed. */
async function fromSqlite(count: number, answer: Answer): Promise<Speed> {
  const path = join(ownFolder(), 'journal.db');
  const { tracers, heard, completed } = await tracersOf(count, answer);
  await write(
    path,
    tracers.map(({ name }) => name),
  );
  const journal = await sqliteJournal({ path });
  const began = performance.now();
  const bridge = new TracerSpanProcessor({ tracers, journal, drainTimeout: DRAIN_MS, completed });
  await heard;
  await bridge.shutdown();
  const measured = speed(bridge, began);
  await requireAnswered(path, count);
  return measured;
}

/** Tracers that do nothing, and when they have heard everything that is due. */
async function tracersOf(count: number, answer: Answer) {
  const { promise: heard, resolve } = Promise.withResolvers<void>();
  let due = count * RUNS * CALLS_PER_RUN;
  const completed = () => {
    due -= 1;
    if (due === 0) resolve();
  };
  const names = Array.from({ length: count }, (_, i) => `t${i}`);
  const tracers = names.map(async (name) => ({ name, module: await MODULES[answer](name) }));
  return { tracers: await Promise.all(tracers), heard, completed };
}

async function write(path: string, names: readonly string[]): Promise<void> {
  const journal: Journal = await sqliteJournal({ path });
  const nobody = { onReadable: () => {}, onCounts: () => {}, onDrop: () => {}, onSkip: () => {} };
  for (const name of names) void journal.consumer(name, nobody);
  let block: ChainEvent[] = [];
  const underWay: Promise<unknown>[] = [];
  for (const event of chainEvents(RUNS)) {
    block.push(event);
    if (block.length < BLOCK) continue;
    underWay.push(journal.append(block));
    block = [];
    if (underWay.length >= BLOCKS) await underWay.shift();
  }
  await journal.append(block);
  await journal.close();
}

function speed(bridge: TracerSpanProcessor, began: number): Speed {
  const seconds = (performance.now() - began) / 1e3;
  const { tracers, issues } = bridge.stats();
  const calls = Object.values(tracers).reduce((sum, { trace, run }) => sum + trace + run, 0);
  const complete = Object.values(tracers).every(({ ok, pending }) => ok === EVENTS && pending === 0);
  if (!complete || Object.keys(issues).length > 0)
    throw new Error(`${EVENTS} events were due; heard: ${JSON.stringify(bridge.stats())}`);
  return { calls: calls / seconds, events: EVENTS / seconds };
}

/** An answer that is not kept would be a call made again after the next start. */
async function requireAnswered(path: string, tracers: number): Promise<void> {
  const admin = await openFileAdmin(path);
  const stats = await Promise.all((await admin.tracers()).map((name) => admin.stats(name)));
  await admin.close();
  if (stats.length !== tracers || stats.some(({ ok, depth }) => ok !== EVENTS || depth > 0))
    throw new Error(`${EVENTS} answers were due; kept: ${JSON.stringify(stats)}`);
}
