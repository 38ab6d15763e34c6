/**
 * What it takes to make events durable: our journal on SQLite, as fast as it can and at a steady pace, beside an
 * `INSERT` for each event and beside BullMQ on a Redis of its own, with a job for each event and tracer. Each variant
 * in turn, in a process of its own.
 */
import { describeDisk } from './disk.ts';
import { grouped, median, printTable, SHORT, spread } from './measure.ts';
import { inOwnProcess, ownVariant, tellParent } from './own-process.ts';
import { hasRedis } from './redis.ts';
import {
  bullmq,
  type Durability,
  insertForEach,
  journalAsFastAsPossible,
  journalAtPace,
} from './ways-to-disk.ts';

const ROUNDS = SHORT ? 1 : 5;
const EVENTS_PER_SECOND = 50_000;

const FASTEST = 'journal/sqlite';
const ALWAYS = 'BullMQ, appendfsync always';
const variants: Readonly<Record<string, () => Promise<Durability>>> = {
  [FASTEST]: () => journalAsFastAsPossible('waiting'),
  '  at a steady pace': () => journalAtPace(EVENTS_PER_SECOND),
  '  heard by all three meanwhile': () => journalAsFastAsPossible('heard'),
  'INSERT for each event': insertForEach,
  [ALWAYS]: () => bullmq('always'),
  'BullMQ, appendfsync everysec': () => bullmq('everysec'),
};

const variant = ownVariant();
const measure = variant === undefined ? undefined : variants[variant];
if (measure) await tellParent(measure);
else await report();

async function report(): Promise<void> {
  console.log(`\n${describeDisk()}`);
  const names = Object.keys(variants).filter((name) => !name.startsWith('BullMQ') || hasRedis());
  const measured = names.map((name) => ({ name, rounds: [] as Durability[] }));
  for (let round = 0; round < ROUNDS; round += 1)
    for (const { name, rounds } of measured) rounds.push(await inOwnProcess(import.meta.filename, name));
  const rates = new Map(measured.map(({ name, rounds }) => [name, rounds.map(({ perSecond }) => perSecond)]));
  const fastest = median(rates.get(FASTEST) ?? []);
  printTable(`Durable events for three tracers (${ROUNDS} processes each, in turn)`, [
    ['', 'events/s', 'spread', 'journal/sqlite is', 'p50', 'p99'],
    ...measured.map(({ name, rounds }) => {
      const rate = rates.get(name) ?? [];
      return [
        name,
        grouped(median(rate)),
        `${spread(rate).toFixed(0)} %`,
        name.startsWith(' ') || name === FASTEST ? '' : `${(fastest / median(rate)).toFixed(1)} ×`,
        ms(median(rounds.map(({ p50 }) => p50))),
        ms(median(rounds.map(({ p99 }) => p99))),
      ];
    }),
  ]);
  if (!rates.has(ALWAYS)) console.log('  without BullMQ: there is no redis-server here');
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}
