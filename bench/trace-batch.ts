/**
 * What `traceBatch` saves: a backlog of events in memory, heard by a tracer that writes a file or a database, each event by a
 * `trace` of its own, and those of different runs together. Each variant in turn, in a process of its own.
 */
import { join } from 'node:path';
import { type ConserverTracer, memoryJournal, TracerSpanProcessor } from '../src/index.ts';
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
const variants = Object.entries(TRACERS).flatMap(([name, { module, options }]) =>
  [true, false].map((together) => ({
    name: `${name}, ${together ? 'events of a batch together' : 'one by one'}`,
    measure: () => measure((together ? module : oneByOne(module)) as TracerDefinition, options(ownFolder())),
  })),
);

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

async function measure(module: TracerDefinition, options: Record<string, unknown>): Promise<Cost> {
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
