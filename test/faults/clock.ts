import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { eventually } from '../support/eventually.ts';
import { jsonOf } from './command-line.ts';
import { type Fault, type Injection, require, runFaults } from './fault.ts';
import { Heard } from './heard.ts';
import { randomOf } from './random.ts';
import { type Served, type ServedConfig, startServed } from './served.ts';

/** The clock set by an hour, under a running service and between two of them. */
export const clock: Fault = {
  name: 'clock',
  title: 'the clock set back and forward by an hour, under a running service and between two of them',
  inject: async (injection) => {
    await underService(injection);
    await betweenServices(injection);
  },
};

const HOUR = 3_600_000;
/** What the journal keeps is older than this after a step. */
const RETENTION = '30m';
const TRACERS = ['quick', 'flaky', 'slow'];

async function underService({ size, seed, folder, say }: Injection): Promise<void> {
  const steps = { full: 30, short: 6 }[size];
  const random = randomOf(seed);
  const journal = join(folder, 'running.db');
  const heard = new Heard();
  setClock(folder, 0);
  const service = await startServed(folder, configOf(journal), shifted(folder));
  await service.feed();
  let hours = 0;
  for (let step = 0; step < steps; step += 1) {
    await further(service);
    hours = [1, 0, -1][(2 - hours + Math.floor(random() * 2)) % 3] ?? 0;
    setClock(folder, hours);
  }
  await further(service);
  // The time has come for everything so far, which some have still to hear.
  setClock(folder, 2);
  await further(service);
  const runs = await service.stop();
  await service.caughtUp();
  await eventually('what is older than its time, and heard, is removed', () =>
    oldestPageIn(journal) > Date.now() + HOUR ? true : undefined,
  );
  await requireSound(service);
  await service.end();
  heard.add(service.child.messages);
  for (const tracer of TRACERS) heard.requireAll(tracer, runs);
  await requireNoNegative(journal);
  say(`${steps} steps under a service: ${runs} runs heard by each of three tracers, 0 lost, 0 twice`);
}

async function betweenServices({ size, folder, say }: Injection): Promise<void> {
  const rounds = { full: 10, short: 1 }[size];
  const journal = join(folder, 'handed-on.db');
  const heard = new Heard();
  let runs = 0;
  for (let round = 0; round < rounds; round += 1)
    for (const [hours, failures] of [
      // What is tried here has been tried for an hour in the future when the next one tries it.
      [1, Number.MAX_SAFE_INTEGER],
      [-1, 2],
      [0, 1],
    ] as const) {
      setClock(folder, hours);
      const service = await startServed(folder, configOf(journal, runs, failures), shifted(folder));
      await service.feed();
      await further(service, failures > 2 ? ['quick'] : TRACERS);
      runs = await service.stop();
      if (failures <= 2) await service.caughtUp();
      await requireSound(service);
      await service.end();
      heard.add(service.child.messages);
    }
  for (const tracer of TRACERS) heard.requireAll(tracer, runs);
  await requireNoNegative(journal);
  say(`${3 * rounds} services with clocks that differ: ${runs} runs heard by each, 0 lost, 0 twice`);
}

function configOf(journal: string, first = 0, failures = 2): ServedConfig {
  return {
    journal,
    retention: RETENTION,
    tracers: {
      quick: { options: { first, pace: 20 } },
      flaky: {
        options: { failures },
        delivery: {
          retry: { initial_interval: '20ms', max_interval: '100ms' },
          circuit_breaker: { failures: 1_000_000 },
        },
      },
      slow: { options: { milliseconds: 5 }, delivery: { concurrency: 6 } },
    },
  };
}

/** So that a service has the clock of this folder. */
function shifted(folder: string) {
  const preload = pathToFileURL(join(import.meta.dirname, 'shifted-clock.ts'));
  preload.searchParams.set('file', join(folder, 'clock'));
  return { node: [`--import=${preload}`] };
}

function setClock(folder: string, hours: number): void {
  writeFileSync(join(folder, 'clock.next'), String(hours * HOUR));
  // At one go: it is read all the time.
  renameSync(join(folder, 'clock.next'), join(folder, 'clock'));
}

/** Waits until tracers hear of runs that nobody has heard of yet. */
async function further({ child }: Served, tracers = TRACERS): Promise<void> {
  let last = 0;
  for (const message of child.messages) if ('heard' in message) last = Math.max(last, message.run);
  await Promise.all(
    tracers.map((tracer) =>
      child.next((message) => 'heard' in message && message.by === tracer && message.run > last + 2),
    ),
  );
}

async function requireSound(service: Served): Promise<void> {
  const { status, issues, tracers } = await service.readyz();
  require(status === 200 && Object.keys(issues).length === 0, () => `${status}: ${JSON.stringify(issues)}`);
  for (const [name, { dead, dropped, oldest_age = 0 }] of Object.entries(tracers))
    require(dead === 0 && dropped === 0 && oldest_age >= 0, () =>
      `${name}: ${JSON.stringify(tracers[name])}`);
}

/** What the command line says of a journal, whose clock is the real one. */
async function requireNoNegative(journal: string): Promise<void> {
  const said = await Promise.all([
    jsonOf(['timeline', '--journal', journal, '--limit', '0', '--format', 'json']),
    jsonOf(['queue', 'stats', '--journal', journal, '--json']),
  ]);
  for (const document of said) {
    const negative = JSON.stringify(document).match(/"\w+":-[^,}]*/g) ?? [];
    require(negative.length === 0, () => `the command line shows ${negative.slice(0, 5).join()}`);
  }
}

/** When the newest event of the oldest page that is kept happened: one that was begun before a step may end after it, and is kept as a whole. */
function oldestPageIn(journal: string): number {
  const db = new DatabaseSync(journal, { readOnly: true, timeout: 300_000 });
  const oldest = db.prepare('select min(newest) as time from page').get()?.time;
  db.close();
  return Number(oldest ?? 0);
}

if (import.meta.main) await runFaults([clock]);
