import { join } from 'node:path';
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { type ChainEvent, type Journal, sqliteJournal } from '../src/index.ts';
import type { Consumer } from '../src/journal/consumer.ts';
import { openFileAdmin } from '../src/journal/open-admin.ts';
import { pageOf } from '../src/journal/sqlite/page.ts';
import { Store } from '../src/journal/sqlite/writer/store.ts';
import { chainEvents, EVENTS_PER_RUN } from './chain-events.ts';
import { ownFolder } from './disk.ts';
import { quantile, SHORT } from './measure.ts';
import { startRedis } from './redis.ts';

/** How fast events became durable. */
export interface Durability {
  readonly perSecond: number;
  /** Milliseconds from when an event was handed over until it was durable. */
  readonly p50: number;
  readonly p99: number;
}

const TRACERS = ['t0', 't1', 't2'];
const RUNS = SHORT ? 100 : 12_500;
const WARM_UP_RUNS = SHORT ? 20 : 2_500;
/** A transaction for each event is slow: as many as there is time for. */
const INSERT_MS = SHORT ? 100 : 3_000;
const BULL_RUNS = SHORT ? 40 : 1_250;
const BULL_WARM_UP_RUNS = SHORT ? 10 : 250;

/** One of so many events is timed. */
const SAMPLE = 50;
/** Events that are handed over in one turn of the event loop, and such turns whose events may not be durable yet. */
const BLOCK = 500;
const BLOCKS = 20;
/** Jobs that are added with one call, and such calls under way at once: of what was tried, BullMQ is fastest so. */
const BULK = 500;
const BULKS = 2;
const READ = 512;

/** As fast as the journal takes events. @param how whether its consumers read and settle them meanwhile */
export async function journalAsFastAsPossible(how: 'waiting' | 'heard'): Promise<Durability> {
  const { journal, finish } = await open(how);
  await feed(journal, WARM_UP_RUNS);
  const began = performance.now();
  const took = await feed(journal, RUNS);
  // Durable are, where they were heard, the answers only then.
  const closed = how === 'heard' ? await finish() : undefined;
  const seconds = ((closed ?? performance.now()) - began) / 1e3;
  if (closed === undefined) await finish();
  return durability((RUNS * EVENTS_PER_RUN) / seconds, took);
}

/**
 * So many events in each second. Each is timed from when it was due: a feeder that was held up would otherwise hide
 * what that cost.
 */
export async function journalAtPace(perSecond: number): Promise<Durability> {
  const { journal, finish } = await open('waiting');
  await feed(journal, WARM_UP_RUNS);
  const took: number[] = [];
  const perMillisecond = perSecond / 1e3;
  let sent = 0;
  const began = performance.now();
  const events = chainEvents(RUNS);
  for (let next = events.next(); !next.done; ) {
    const due = (performance.now() - began) * perMillisecond;
    const batch: ChainEvent[] = [];
    const sampled: number[] = [];
    for (; !next.done && sent < due; next = events.next()) {
      batch.push(next.value);
      if (sent % SAMPLE === 0) sampled.push(began + sent / perMillisecond);
      sent += 1;
    }
    void append(journal, batch, sampled, took);
    await wait(1);
  }
  await journal.append([]);
  const seconds = (performance.now() - began) / 1e3;
  await finish();
  return durability((RUNS * EVENTS_PER_RUN) / seconds, took);
}

/** The same table, and a transaction for each event. */
export async function insertForEach(): Promise<Durability> {
  const store = new Store(join(ownFolder(), 'journal.db'));
  const took: number[] = [];
  const began = performance.now();
  for (const event of chainEvents(RUNS)) {
    const before = performance.now();
    if (before - began > INSERT_MS) break;
    store.transaction(() => store.append(pageOf([event])));
    took.push(performance.now() - before);
    if (took.length % 100 === 0) await turn();
  }
  const seconds = (performance.now() - began) / 1e3;
  if (store.last !== took.length) throw new Error(`${took.length} events were due, ${store.last} are stored`);
  store.close();
  return durability(took.length / seconds, took);
}

/** A job for each event and tracer, added in bulk. An event is durable when its jobs for all tracers are. */
export async function bullmq(appendfsync: 'always' | 'everysec'): Promise<Durability> {
  const redis = await startRedis(ownFolder(), appendfsync);
  const connection = { host: '127.0.0.1', port: redis.port };
  const queues = TRACERS.map((name) => new Queue(name, { connection }));
  await addJobs(queues, BULL_WARM_UP_RUNS);
  const began = performance.now();
  const took = await addJobs(queues, BULL_RUNS);
  const seconds = (performance.now() - began) / 1e3;
  const due = (BULL_WARM_UP_RUNS + BULL_RUNS) * EVENTS_PER_RUN;
  for (const queue of queues) {
    const jobs = await queue.getWaitingCount();
    if (jobs !== due) throw new Error(`${due} jobs were due, ${jobs} are there`);
    await queue.close();
  }
  await redis.stop();
  return durability((BULL_RUNS * EVENTS_PER_RUN) / seconds, took);
}

async function open(how: 'waiting' | 'heard') {
  const path = join(ownFolder(), 'journal.db');
  const journal = await sqliteJournal({ path });
  const depths = new Map<string, number>();
  for (const name of TRACERS) {
    const consumer: Promise<Consumer> = journal.consumer(name, {
      onReadable: () => {
        if (how === 'heard') void consumer.then(hear);
      },
      onCounts: ({ depth }) => depths.set(name, depth),
      onDrop: () => {
        throw new Error('an event was dropped');
      },
      onSkip: () => {},
    });
  }
  const finish = async () => {
    while (how === 'heard' && [...depths.values()].some((depth) => depth > 0)) await turn();
    await journal.close();
    const closed = performance.now();
    await requireKept(path, how === 'heard');
    return closed;
  };
  return { journal, finish };
}

/** Settles whatever can be read, in turns, so that a long queue does not stop everything else. */
async function hear(consumer: Consumer): Promise<void> {
  const { events } = await consumer.read(READ);
  if (events.length === 0) return;
  consumer.report(
    events.map((event) => ({
      event,
      outcome: 'ok',
      delivery: { attempts: 1, since: Date.now(), duration: 0, errorType: undefined },
    })),
  );
  setImmediate(() => void hear(consumer));
}

/** @returns the milliseconds that some of the events took to be durable */
async function feed(journal: Journal, runs: number): Promise<number[]> {
  const took: number[] = [];
  const underWay: Promise<void>[] = [];
  let batch: ChainEvent[] = [];
  let sampled: number[] = [];
  for (const event of chainEvents(runs)) {
    if (batch.length % SAMPLE === 0) sampled.push(performance.now());
    batch.push(event);
    if (batch.length < BLOCK) continue;
    underWay.push(append(journal, batch, sampled, took));
    [batch, sampled] = [[], []];
    if (underWay.length >= BLOCKS) await underWay.shift();
    await turn();
  }
  await append(journal, batch, sampled, took);
  return took;
}

/** @param sampled when some of the events were handed over */
async function append(
  journal: Journal,
  batch: readonly ChainEvent[],
  sampled: readonly number[],
  took: number[],
): Promise<void> {
  await journal.append(batch);
  const now = performance.now();
  for (const began of sampled) took.push(now - began);
}

async function addJobs(queues: readonly Queue[], runs: number): Promise<number[]> {
  const took: number[] = [];
  const underWay: Promise<void>[] = [];
  let bulk: ChainEvent[] = [];
  const add = async (events: readonly ChainEvent[]) => {
    const began = performance.now();
    // The id is what makes a repeat a no-op, as in the journal.
    const jobs = events.map((data) => ({ name: data.stage, data, opts: { jobId: data.eventId } }));
    await Promise.all(queues.map((queue) => queue.addBulk(jobs)));
    took.push(performance.now() - began);
  };
  for (const event of chainEvents(runs)) {
    if (bulk.push(event) < BULK) continue;
    underWay.push(add(bulk));
    bulk = [];
    if (underWay.length >= BULKS) await underWay.shift();
  }
  await Promise.all([...underWay, add(bulk)]);
  return took;
}

function durability(perSecond: number, took: readonly number[]): Durability {
  return { perSecond, p50: quantile(took, 0.5), p99: quantile(took, 0.99) };
}

/** What is fast because it is not there would prove nothing. */
async function requireKept(path: string, heard: boolean): Promise<void> {
  const due = (WARM_UP_RUNS + RUNS) * EVENTS_PER_RUN;
  const admin = await openFileAdmin(path);
  for (const name of TRACERS) {
    const { depth, ok } = await admin.stats(name);
    if (depth !== (heard ? 0 : due) || ok !== (heard ? due : 0))
      throw new Error(`${due} events were due; ${name} has ${depth} to hear and has heard ${ok}`);
  }
  await admin.close();
}
