/**
 * How fast tracers hear what waits for them: a backlog in a journal on SQLite, written before and opened anew, and the
 * same in memory, for 1, 3 and 5 tracers that answer at once, and for 3 that answer with a promise. Each variant in turn, in a process
 * of its own.
 */
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import {
  type ConserverTracer,
  type Journal,
  memoryJournal,
  sqliteJournal,
  TracerSpanProcessor,
} from '../src/index.ts';
import { consumerStats, consumersOf, withJournalFile } from '../src/journal/sqlite/operator/index.ts';
import { CALLS_PER_RUN, chainEvents, EVENTS_PER_RUN } from './chain-events.ts';
import { ownFolder } from './disk.ts';
import { grouped, median, printTable, SHORT, spread } from './measure.ts';
import { inOwnProcess, ownVariant, tellParent } from './own-process.ts';

const ROUNDS = SHORT ? 1 : 5;
const RUNS = SHORT ? 100 : 6_250;
const EVENTS = RUNS * EVENTS_PER_RUN;
/** Events that are handed over in one turn of the event loop. */
const BLOCK = 500;
/** Of the bridge, which is not to give up while everything waits for a slow machine. */
const DRAIN_MS = 120_000;

type Answer = 'at once' | 'with a promise';

interface Speed {
  readonly calls: number;
  readonly events: number;
}

const CASES: readonly (readonly [tracers: number, answer: Answer])[] = [
  [1, 'at once'],
  [3, 'at once'],
  [5, 'at once'],
  [3, 'with a promise'],
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
  const { tracers, heard } = tracersOf(count, answer);
  const bridge = new TracerSpanProcessor({ tracers, journal, drainTimeout: DRAIN_MS });
  // Nobody is called before the next turn of the event loop.
  for (const event of chainEvents(RUNS)) journal.append(event);
  const began = performance.now();
  await heard;
  await bridge.shutdown();
  return speed(bridge, began);
}

/** Until the answers are durable, and the journal is closed. */
async function fromSqlite(count: number, answer: Answer): Promise<Speed> {
  const path = join(ownFolder(), 'journal.db');
  const { tracers, heard } = tracersOf(count, answer);
  await write(
    path,
    tracers.map(({ name }) => name),
  );
  const journal = await sqliteJournal({ path });
  const began = performance.now();
  const bridge = new TracerSpanProcessor({ tracers, journal, drainTimeout: DRAIN_MS });
  await heard;
  await bridge.shutdown();
  const measured = speed(bridge, began);
  await requireAnswered(path, count);
  return measured;
}

/** Tracers that do nothing, and when they have heard everything that is due. */
function tracersOf(count: number, answer: Answer) {
  const { promise: heard, resolve } = Promise.withResolvers<void>();
  let due = count * RUNS * CALLS_PER_RUN;
  const hear = () => {
    due -= 1;
    if (due === 0) resolve();
  };
  const module: ConserverTracer =
    answer === 'at once'
      ? {
          trace: hear,
          run: () => {
            hear();
            return true;
          },
        }
      : {
          trace: async () => hear(),
          run: async () => {
            hear();
            return true;
          },
        };
  const tracers = Array.from({ length: count }, (_, i) => ({ name: `t${i}`, module }));
  return { tracers, heard };
}

async function write(path: string, names: readonly string[]): Promise<void> {
  const journal: Journal = await sqliteJournal({ path });
  const nobody = { onReadable: () => {}, onDrop: () => {}, onSkip: () => {} };
  for (const name of names) journal.consumer(name, nobody);
  let sent = 0;
  for (const event of chainEvents(RUNS)) {
    journal.append(event);
    sent += 1;
    if (sent % BLOCK > 0) continue;
    await turn();
    await journal.room();
  }
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
  await withJournalFile(path, 'read', (file) => {
    const stats = consumersOf(file).map((place) => consumerStats(file, place));
    if (stats.length !== tracers || stats.some(({ ok, depth }) => ok !== EVENTS || depth > 0))
      throw new Error(`${EVENTS} answers were due; kept: ${JSON.stringify(stats)}`);
  });
}
