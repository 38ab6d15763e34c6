/**
 * How long a service that starts takes until its first call, and how much memory: with events that no tracer has heard yet, and with runs that
 * are open, as a process leaves them that is stopped and as one does that is killed. Each start is a process of its own.
 */
import { copyFileSync, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Assembly } from '../src/assembly/assembly.ts';
import { sqliteJournal } from '../src/index.ts';
import { systemClock } from '../src/model/clock.ts';
import { Issues } from '../src/model/issues.ts';
import type { Received } from '../src/model/received.ts';
import { ThrottledLog } from '../src/model/throttled-log.ts';
import { withReceived } from '../src/receivers/received.ts';
import { dispatcherTo } from '../test/support/dispatcher.ts';
import { FactWorker } from '../test/support/fact-worker.ts';
import { chainEvents, EVENTS_PER_RUN } from './chain-events.ts';
import { bodiesOf, CHAIN, mixedSpans } from './conserver-load.ts';
import { ownFolder } from './disk.ts';
import { collectGarbage, grouped, median, printTable, SHORT, uuidOf } from './measure.ts';
import { inOwnProcess, ownVariant, tellParent } from './own-process.ts';

const ROUNDS = SHORT ? 1 : 3;
const EVENTS = SHORT ? 2_000 : 1_000_000;
const OPEN_RUNS = SHORT ? 200 : 100_000;
/** Of each open run: half of what comes of it. */
const FACTS = 9;
const SPANS = 3;
const BATCH = 500;
/** Processes of the server. */
const WORKERS = 16;
/** Milliseconds between two looks at whether a tracer was called. */
const LOOK = 1;

interface Started {
  /** Milliseconds until everything is open, and until the first call. */
  readonly open: number;
  readonly called: number;
  /** Milliseconds of processor time until then, of all threads. */
  readonly cpu: number;
  readonly rss: number;
  readonly heap: number;
}

type Left = 'events' | 'spans, stopped' | 'spans, killed' | 'facts, stopped' | 'facts, killed';

const DEAF = { onReadable: () => {}, onCounts: () => {}, onDrop: () => {}, onSkip: () => {} };

const LEFT: Readonly<Record<Left, string>> = {
  events: `${grouped(EVENTS)} unheard events`,
  'spans, stopped': `${grouped(OPEN_RUNS)} runs of spans, stopped`,
  'spans, killed': '  killed',
  'facts, stopped': `${grouped(OPEN_RUNS)} runs of facts, stopped`,
  'facts, killed': '  killed',
};

const variant = ownVariant();
if (variant === undefined) await report();
else {
  const [what, left = '', path = ''] = variant.split(';');
  await tellParent(() => (what === 'leave' ? leave(left as Left, path) : start(left as Left, path)));
  // As if it were killed.
  process.exit();
}

async function report(): Promise<void> {
  const rows: string[][] = [];
  for (const left of Object.keys(LEFT) as Left[]) {
    const path = join(ownFolder(), 'journal.db');
    const size = await inOwnProcess<number>(import.meta.filename, `leave;${left};${path}`);
    const rounds: Started[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const copy = join(ownFolder(), 'journal.db');
      for (const end of ['', '-wal']) if (existsSync(path + end)) copyFileSync(path + end, copy + end);
      rounds.push(await inOwnProcess<Started>(import.meta.filename, `start;${left};${copy}`));
    }
    const of = (which: keyof Started) => median(rounds.map((started) => started[which]));
    const mega = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MB`;
    rows.push([
      LEFT[left],
      mega(size),
      ...(['open', 'called', 'cpu'] as const).map((which) => `${(of(which) / 1e3).toFixed(2)} s`),
      mega(of('heap')),
      mega(of('rss')),
    ]);
  }
  printTable(`A service that starts (${ROUNDS} processes each)`, [
    ['', 'journal', 'open', 'first call', 'processor time', 'heap', 'RSS'],
    ...rows,
  ]);
}

/** Leaves a journal. @returns its bytes */
async function leave(left: Left, path: string): Promise<number> {
  const service = await open(path, left !== 'events');
  if (left === 'events') {
    let some = [];
    for (const event of chainEvents(Math.ceil(EVENTS / EVENTS_PER_RUN))) {
      if (some.push(event) < 2_000) continue;
      await service.journal.append(some);
      some = [];
    }
    await service.journal.append(some);
  } else {
    for (const request of left.startsWith('spans') ? spanRequests() : factRequests()) {
      const facts = await withReceived((read) => read(request));
      await service.assembly.take(request, facts);
      await service.assembly.durable();
    }
    if (service.assembly.runs !== OPEN_RUNS) throw new Error(`${service.assembly.runs} runs are open`);
    await service.dispatcher.durable();
  }
  await service.dispatcher.flush(60_000);
  if (left.endsWith('killed')) return service.size();
  await service.assembly.stop();
  await service.journal.append([]);
  await service.journal.close();
  return service.size();
}

/** Starts with what was left, tells what a process of the server says first, and measures until a tracer is called. */
async function start(left: Left, path: string): Promise<Started> {
  const began = performance.now();
  const cpu = process.cpuUsage();
  const service = await open(path, true);
  const opened = performance.now() - began;
  if (left !== 'events') {
    const before = service.calls();
    const worker = new FactWorker(WORKERS + 1);
    const request = requestOf([worker.attach(), ...firstFacts(worker, OPEN_RUNS)]);
    await service.assembly.take(request, await withReceived((read) => read(request)));
    while (service.calls() === before) await wait(LOOK);
  } else while (service.calls() === 0) await wait(LOOK);
  const called = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  const { rss } = process.memoryUsage();
  collectGarbage();
  return { open: opened, called, cpu: (user + system) / 1e3, rss, heap: process.memoryUsage().heapUsed };
}

/** Spans of links, in requests as the server sends them: no run has ended. */
function* spanRequests(): Generator<Received, void, undefined> {
  const names = CHAIN.links.slice(0, SPANS).map((link) => `link.${link}`);
  const spans = [...mixedSpans(OPEN_RUNS, 0)].filter(({ name }) => names.includes(String(name)));
  for (const bytes of bodiesOf(spans)) yield { form: 'otlp_protobuf', packing: 'gzip', bytes };
}

/** Facts of runs that have not ended, in batches as they are read off a stream. */
function* factRequests(): Generator<Received, void, undefined> {
  const workers = Array.from({ length: WORKERS }, (_, i) => new FactWorker(i + 1));
  let some: string[] = workers.map((worker) => worker.attach());
  for (let run = 0; run < OPEN_RUNS; run += 1) {
    const worker = workers[run % WORKERS] as FactWorker;
    some.push(...firstFacts(worker, run));
    if (some.length < BATCH) continue;
    yield requestOf(some);
    some = [];
  }
  yield requestOf(some);
}

function* firstFacts(worker: FactWorker, run: number): Generator<string, void, undefined> {
  const facts = worker.run(run, CHAIN, uuidOf(run));
  for (let i = 0; i < FACTS; i += 1) {
    const { value, done } = facts.next();
    if (!done) yield value;
  }
}

function requestOf(facts: readonly string[]): Received {
  return { form: 'entries', packing: 'none', bytes: Buffer.from(`[${facts.join(',')}]`) };
}

/** What stands behind receivers. @param isHeard whether there is a tracer */
async function open(path: string, isHeard: boolean) {
  let calls = 0;
  const journal = await sqliteJournal({ path });
  const trace = () => {
    calls += 1;
  };
  const tracer = { name: 'tracer', module: { trace, run: () => true }, options: {} };
  const dispatcher = dispatcherTo(isHeard ? [tracer] : [], journal);
  // Who is not there yet has still to hear everything.
  if (!isHeard) await journal.consumer(tracer.name, DEAF);
  const chains = new Map([[CHAIN.name, CHAIN]]);
  const inbox = await journal.openInbox();
  const assembly = await withReceived((read) =>
    Assembly.open({
      inbox,
      read,
      events: dispatcher,
      observers: [],
      clock: systemClock,
      full: () => false,
      chains: () => chains,
      issues: new Issues('receivers', new ThrottledLog('bench')),
      settle: 10_000,
      timeout: 900_000,
      maxRuns: OPEN_RUNS * 2,
      endTimeout: 5_000,
      oldest: 2_678_400_000,
      ahead: 3_600_000,
    }),
  );
  const size = () =>
    [path, `${path}-wal`].reduce(
      (sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0),
      0,
    );
  return { journal, dispatcher, assembly, calls: () => calls, size };
}
