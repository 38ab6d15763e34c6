import { expect, test, vi } from 'vitest';
import type { ChainEvent } from '../../src/model/event.ts';
import { PATIENCE } from '../support/eventually.ts';
import { delivery, ids } from './contract.ts';
import { type Reader, reader } from './reader.ts';
import { eventIds, keep, openJournal, query, temporaryPath } from './temporary-journal.ts';

/** Room for some 12,000 events. */
const ROOM = 1_500_000;
const BATCH = 1_000;

async function settle({ read, consumer }: Reader, count: number, outcome: 'ok' | 'dead'): Promise<void> {
  for (const one of await read(count))
    consumer.settle(one, outcome, delivery(1, outcome === 'ok' ? undefined : 'TypeError'));
}

test('what everybody has heard goes before its time when there is no room, and the journal takes more for ever', async () => {
  const path = temporaryPath();
  const { journal, state, troubles } = await openJournal({ path, maxSize: ROOM });
  const tracer = reader(journal, 'tracer');
  for (let from = 0; from < 40_000; from += BATCH) {
    await vi.waitUntil(() => !state().full, PATIENCE);
    await keep(journal, eventIds(BATCH, from));
    await settle(tracer, BATCH, 'ok');
  }
  expect([tracer.consumer.depth, troubles]).toEqual([0, []]);
  await journal.close();
  expect(Number(query(path, 'select first from page order by first')[0]?.first)).toBeGreaterThan(20_000);
  expect(Number(query(path, 'select min(block) as block from heard')[0]?.block)).toBeGreaterThan(70);
  expect(Number(query(path, 'select count(*) as runs from run')[0]?.runs)).toBeLessThan(4_000);
});

test('with block it is full while somebody has still to hear what fills it, of which nothing goes', async () => {
  const path = temporaryPath();
  const { journal, state } = await openJournal({ path, maxSize: ROOM, patience: 0 });
  const [quick, slow] = [reader(journal, 'quick'), reader(journal, 'slow')];
  let count = 0;
  for (; !state().full; count += BATCH) {
    await keep(journal, eventIds(BATCH, count));
    await settle(quick, BATCH, 'ok');
  }
  const heard: ChainEvent[] = [...(await slow.read(count))];
  expect(ids(heard)).toEqual(eventIds(count));
  for (const one of heard) slow.consumer.settle(one, 'ok', delivery(1));
  await vi.waitUntil(() => !state().full, PATIENCE);
  expect(slow.consumer.depth).toBe(0);
});

test('with drop the slowest loses its oldest events, and is told which', async () => {
  const path = temporaryPath();
  const { journal, state } = await openJournal({ path, maxSize: ROOM, onFull: 'drop', patience: 0 });
  const dropped: string[] = [];
  const quick = reader(journal, 'quick');
  const slow = reader(journal, 'slow', { onDrop: (events) => dropped.push(...ids(events)) });
  for (let from = 0; from < 40_000; from += BATCH) {
    await keep(journal, eventIds(BATCH, from));
    await settle(quick, BATCH, 'ok');
    expect(state().full).toBe(false);
  }
  expect(dropped).toEqual(eventIds(dropped.length));
  expect(dropped.length).toBeGreaterThan(20_000);
  const left = 40_000 - dropped.length;
  expect(slow.consumer.depth).toBe(left);
  expect(ids(await slow.read(left))).toEqual(eventIds(left, dropped.length));
});

test('dead letters go last, when nothing else can, and that is told', async () => {
  const path = temporaryPath();
  const { journal, state, troubles } = await openJournal({ path, maxSize: ROOM, patience: 0 });
  const tracer = reader(journal, 'tracer');
  await keep(journal, eventIds(BATCH));
  await settle(tracer, BATCH, 'ok');
  // Few at a time: more than there is room for would be dropped.
  for (let from = BATCH; troubles.length === 0; from += 100) {
    await vi.waitUntil(() => !state().full || troubles.length > 0, PATIENCE);
    await keep(journal, eventIds(100, from));
    await settle(tracer, 100, 'dead');
  }
  expect(troubles[0]).toEqual([
    'journal_forgot',
    expect.stringMatching(/^\d+ dead letters were removed from the journal to make room$/),
  ]);
  expect(Number(query(path, 'select min(first) as first from page')[0]?.first)).toBeGreaterThan(BATCH);
});
