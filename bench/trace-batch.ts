/**
 * What `traceBatch` saves: a backlog of events in memory, heard by a tracer that writes a file or a database, each event by a
 * `trace` of its own, and those of different runs together; in place and in a thread of the tracer's own. Each variant in turn, in a
 * process of its own.
 */
import { join } from 'node:path';
import { type ConserverTracer, memoryJournal, type TracerModule, TracerSpanProcessor } from '../src/index.ts';
import { ThreadedTracer } from '../src/isolation/threaded-tracer.ts';
import { systemClock } from '../src/model/clock.ts';
import type { TracerDefinition } from '../src/model/tracer.ts';
import auditLog from '../src/tracers/audit-log.ts';
import dbAudit from '../src/tracers/db-audit.ts';
import { chainEvents, EVENTS_PER_RUN } from './chain-events.ts';
import { ownFolder } from './disk.ts';
import { grouped, median, printTable, SHORT, spread } from './measure.ts';
import { inOwnProcess, ownVariant, tellParent } from './own-process.ts';

const ROUNDS = SHORT ? 1 : 3;
const RUNS = SHORT ? 100 : 1_250;
const EVENTS = RUNS * EVENTS_PER_RUN;
/** Of the bridge, which is not to give up while everything waits for a slow machine. */
const DRAIN_MS = 120_000;

interface Cost {
  readonly events: number;
  /** Microseconds of all threads, for each event. */
  readonly processor: number;
}

const TRACERS = {
  audit_log: { module: auditLog, options: (folder: string) => ({ log_file: join(folder, 'audit.jsonl') }) },
  'db_audit, SQLite': {
    module: dbAudit,
    options: (folder: string) => ({ url: `sqlite:${join(folder, 'audit.db')}` }),
  },
};
/** The one that the documentation shows; and the first of the above. */
const THREADED = {
  'a file, in a thread': {
    file: join(import.meta.dirname, '../examples/batch-tracer.ts'),
    options: (folder: string) => ({ file: join(folder, 'heard') }),
  },
  'audit_log, in a thread': {
    file: join(import.meta.dirname, '../src/tracers/audit-log.ts'),
    options: TRACERS.audit_log.options,
  },
};
const inPlace = Object.entries(TRACERS).flatMap(([name, { module, options }]) =>
  [true, false].map((together) => ({
    name: `${name}, ${together ? 'events of a batch together' : 'one by one'}`,
    measure: () => measure((together ? module : oneByOne(module)) as TracerDefinition, options(ownFolder())),
  })),
);
const inThread = Object.entries(THREADED).flatMap(([name, { file, options }]) =>
  [true, false].map((together) => ({
    name: `${name}, ${together ? 'events of a batch together' : 'one by one'}`,
    measure: async () => measure(await threaded(file, options(ownFolder()), together), {}),
  })),
);
const variants = [...inPlace, ...inThread];

const wanted = ownVariant();
const chosen = variants.find(({ name }) => name === wanted);
if (chosen) await tellParent(chosen.measure);
else await report();

async function report(): Promise<void> {
  const measured = variants.map(({ name }) => ({ name, rounds: [] as Cost[] }));
  for (let round = 0; round < ROUNDS; round += 1)
    for (const { name, rounds } of measured) rounds.push(await inOwnProcess(import.meta.filename, name));
  printTable(`A backlog of ${grouped(EVENTS)} events, written (${ROUNDS} processes each, in turn)`, [
    ['', 'events/s', 'spread', 'processor time for each event'],
    ...measured.map(({ name, rounds }) => [
      name,
      grouped(median(rounds.map(({ events }) => events))),
      `${spread(rounds.map(({ events }) => events)).toFixed(0)} %`,
      `${median(rounds.map(({ processor }) => processor)).toFixed(1)} µs`,
    ]),
  ]);
}

async function measure(module: TracerModule, options: Record<string, unknown>): Promise<Cost> {
  const journal = memoryJournal({ capacity: EVENTS });
  const tracers = [{ name: 'tracer', module, options }];
  const bridge = new TracerSpanProcessor({ tracers, journal, drainTimeout: DRAIN_MS });
  const events = [...chainEvents(RUNS)];
  const before = process.cpuUsage();
  const began = performance.now();
  void journal.append(events);
  await bridge.forceFlush();
  const seconds = (performance.now() - began) / 1e3;
  const { user, system } = process.cpuUsage(before);
  const heard = bridge.stats().tracers.tracer?.ok;
  await bridge.shutdown();
  if (heard !== EVENTS) throw new Error(`${EVENTS} events were due; heard: ${heard}`);
  return { events: EVENTS / seconds, processor: (user + system) / EVENTS };
}

function oneByOne(module: typeof auditLog | typeof dbAudit) {
  return {
    ...module,
    create: (options: never, host: never) => {
      const { traceBatch: _, ...tracer } = module.create(options, host) as ConserverTracer;
      return tracer;
    },
  };
}

async function threaded(
  file: string,
  options: Record<string, unknown>,
  together: boolean,
): Promise<TracerModule> {
  const thread = new ThreadedTracer({
    ...{ name: 'tracer', file, options, clock: systemClock },
    ...{ timeout: DRAIN_MS, patience: DRAIN_MS, making: DRAIN_MS, concurrency: 256, memory: 256 },
    ended: () => undefined,
    stray: () => undefined,
  });
  const description = await thread.made;
  const has = { ...description.has, traceBatch: together };
  return thread.module({ ...description, has });
}
