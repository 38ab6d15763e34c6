import { Worker } from 'node:worker_threads';
import { describe, expect, test, vi } from 'vitest';
import type { Journal } from '../../src/journal/journal.ts';
import { SqliteAdmin } from '../../src/journal/sqlite/sqlite-admin.ts';
import { systemClock } from '../../src/model/clock.ts';
import { PATIENCE } from '../support/eventually.ts';
import { delivery, ids } from './contract.ts';
import { type Reader, reader } from './reader.ts';
import { decide, eventIds, keep, openJournal, query, temporaryPath } from './temporary-journal.ts';

interface Told {
  readonly path: string;
  readonly journal: Journal;
  readonly tracer: Reader;
  readonly skipped: string[];
}

async function opened(): Promise<Told> {
  const path = temporaryPath();
  const { journal } = await openJournal({ path });
  const skipped: string[] = [];
  const tracer = reader(journal, 'tracer', { onSkip: (events) => skipped.push(...ids(events)) });
  return { path, journal, tracer, skipped };
}

describe('what another process decides while a journal is open', () => {
  test('an event that is skipped in the hands of a consumer is taken out of them', async () => {
    const { path, journal, tracer, skipped } = await opened();
    await keep(journal, ['a/1', 'a/2']);
    const [one] = await tracer.read(2);
    if (!one) throw new Error('no event was read');
    decide(path, 'tracer', 'skipped', ['a/1']);
    await vi.waitFor(() => expect(skipped).toEqual(['a/1']), PATIENCE);
    expect(tracer.consumer.depth).toBe(1);
    tracer.consumer.settle(one, 'ok', delivery(1));
    expect(tracer.consumer.depth).toBe(1);
    await journal.close();
    expect(query(path, 'select seq, state from delivery')).toEqual([{ seq: 1, state: 'skipped' }]);
  });

  test('all that a consumer has in hand is taken out of it, and the disk is kept from nobody meanwhile', async () => {
    const { path, journal, tracer, skipped } = await opened();
    const appended = eventIds(20_000);
    await keep(journal, appended);
    await tracer.read(appended.length);
    decide(path, 'tracer', 'skipped', appended);
    await vi.waitFor(() => expect(skipped).toHaveLength(appended.length), PATIENCE);
    await keep(journal, ['a/1']);
    expect(tracer.consumer.depth).toBe(1);
  });

  test('an event that is skipped before it was read is never given, counted no more, and told', async () => {
    const { path, journal, tracer, skipped } = await opened();
    await keep(journal, ['a/1', 'a/2', 'a/3']);
    decide(path, 'tracer', 'skipped', ['a/2']);
    await vi.waitFor(() => expect(tracer.consumer.depth).toBe(2), PATIENCE);
    expect(ids(await tracer.read(2))).toEqual(['a/1', 'a/3']);
    expect([tracer.consumer.depth, tracer.consumer.unread, skipped]).toEqual([2, 0, ['a/2']]);
  });

  test('an event that was skipped and is wanted after all is given', async () => {
    const { path, journal, tracer } = await opened();
    await keep(journal, ['a/1', 'a/2']);
    decide(path, 'tracer', 'skipped', ['a/2']);
    await vi.waitFor(() => expect(tracer.consumer.depth).toBe(1), PATIENCE);
    decide(path, 'tracer', 'queued', ['a/2']);
    await vi.waitFor(() => expect(tracer.consumer.depth).toBe(2), PATIENCE);
    expect(ids(await tracer.read(2))).toEqual(['a/1', 'a/2']);
    expect(tracer.consumer.unread).toBe(0);
  });

  test('skipping among what is read in pages counts each event once', async () => {
    const { path, journal, tracer } = await opened();
    const appended = eventIds(24_000);
    await keep(journal, appended);
    const out = appended.filter((_, index) => index % 5 === 0);
    for (const half of [out.slice(0, 2_000), out.slice(2_000)]) {
      const before = tracer.consumer.depth;
      decide(path, 'tracer', 'skipped', half);
      await vi.waitFor(() => expect(tracer.consumer.depth).toBe(before - half.length), PATIENCE);
    }
    const left = appended.filter((_, index) => index % 5 !== 0);
    expect(ids(await tracer.read(left.length))).toEqual(left);
    expect([tracer.consumer.unread, await tracer.consumer.readNow(1)]).toEqual([0, []]);
  });

  test('dead letters that are asked for again are given again, in order, once, without their attempts', async () => {
    const { path, journal, tracer } = await opened();
    const appended = eventIds(3_000);
    await keep(journal, appended);
    for (const one of await tracer.read(3_000)) tracer.consumer.settle(one, 'dead', delivery(9, 'TypeError'));
    expect([tracer.consumer.depth, tracer.consumer.dead]).toEqual([0, 3_000]);
    await vi.waitFor(
      () =>
        expect(query(path, `select count(*) as dead from delivery where state = 'dead'`)).toEqual([
          { dead: 3_000 },
        ]),
      PATIENCE,
    );
    decide(path, 'tracer', 'queued', appended);
    const events = await tracer.read(3_000);
    expect(ids(events)).toEqual(appended);
    expect([tracer.consumer.depth, tracer.consumer.unread, tracer.consumer.dead]).toEqual([3_000, 0, 0]);
    for (const one of events) {
      expect(tracer.consumer.attemptsAt(one)).toBeUndefined();
      tracer.consumer.settle(one, 'ok', delivery(1));
    }
    expect([tracer.consumer.depth, await tracer.consumer.readNow(9)]).toEqual([0, []]);
    await journal.close();
    expect(query(path, `select state, count(*) as events from delivery group by state`)).toEqual([
      { state: 'ok', events: 3_000 },
    ]);
  });

  test('what is asked for again while it is in hand is not given twice', async () => {
    const { path, journal, tracer } = await opened();
    await keep(journal, ['a/1', 'a/2']);
    const [one, two] = await tracer.read(2);
    if (!one || !two) throw new Error('too few events were read');
    decide(path, 'tracer', 'queued', ['a/1', 'a/2']);
    await keep(journal, ['a/3']);
    const other = reader(journal, 'other');
    // That this is noticed says that the rest of it is.
    decide(path, 'other', 'skipped', ['a/3']);
    decide(path, 'tracer', 'skipped', ['a/3']);
    await vi.waitFor(() => expect(tracer.consumer.unread).toBe(0), PATIENCE);
    expect([tracer.consumer.depth, other.consumer.depth, await tracer.consumer.readNow(9)]).toEqual([
      2,
      0,
      [],
    ]);
    tracer.consumer.settle(one, 'ok', delivery(1));
    tracer.consumer.settle(two, 'ok', delivery(1));
    expect(tracer.consumer.depth).toBe(0);
    await journal.close();
    const later = await openJournal({ path });
    const again = reader(later.journal, 'tracer');
    await later.journal.append([]);
    await keep(later.journal, ['a/4']);
    expect(ids(await again.read(1))).toEqual(['a/4']);
  });

  test('an attempt at what was asked for again is remembered, and what nobody wants of it is not asked for ever', async () => {
    const { path, journal, tracer } = await opened();
    await keep(journal, ['a/1', 'a/2']);
    for (const one of await tracer.read(2)) tracer.consumer.settle(one, 'ok', delivery(1));
    await keep(journal, ['b/1']);
    decide(path, 'tracer', 'queued', ['a/1', 'a/2']);
    await vi.waitFor(() => expect(tracer.consumer.depth).toBe(3), PATIENCE);
    const again = await tracer.read(3);
    expect(ids(again).sort()).toEqual(['a/1', 'a/2', 'b/1']);
    const [one, two] = ['a/1', 'a/2'].map((id) => again.find(({ eventId }) => eventId === id));
    if (!one || !two) throw new Error('too few events were read');
    tracer.consumer.retry(one, delivery(4, 'TypeError'));
    tracer.consumer.settle(two, 'unheard');
    await journal.close();
    const later = reader((await openJournal({ path })).journal, 'tracer');
    const kept = new Map((await later.read(2)).map((one) => [one.eventId, later.consumer.attemptsAt(one)]));
    expect(new Map([...kept].map(([id, before]) => [id, before?.attempts]))).toEqual(
      new Map([
        ['a/1', 4],
        ['b/1', undefined],
      ]),
    );
    expect([later.consumer.depth, later.consumer.unread]).toEqual([2, 0]);
  });

  test('an event that is skipped before a consumer comes is not given to it from memory', async () => {
    const path = temporaryPath();
    const before = await openJournal({ path });
    reader(before.journal, 'late');
    await before.journal.close();
    const { journal } = await openJournal({ path });
    // What somebody has still to read is in memory.
    reader(journal, 'early');
    await keep(journal, ['a/1', 'a/2']);
    decide(path, 'late', 'skipped', ['a/1']);
    const { consumer, read } = reader(journal, 'late');
    expect(ids(await read(1))).toEqual(['a/2']);
    expect([consumer.depth, consumer.unread, await consumer.readNow(1)]).toEqual([1, 0, []]);
  });

  test('what was asked for again, and nobody wants, is not given once more', async () => {
    const path = temporaryPath();
    const first = await openJournal({ path });
    const tracer = reader(first.journal, 'tracer');
    await keep(first.journal, ['a/1', 'a/2']);
    const [, two] = await tracer.read(2);
    if (!two) throw new Error('too few events were read');
    tracer.consumer.settle(two, 'dead', delivery(9, 'TypeError'));
    await first.journal.close();
    // Behind one that is still to be heard, so that it comes in its order.
    decide(path, 'tracer', 'queued', ['a/2']);

    const { journal } = await openJournal({ path });
    const again = reader(journal, 'tracer');
    for (const one of await again.read(2)) again.consumer.settle(one, 'unheard');
    await keep(journal, ['b/1', 'b/2']);
    // Of what is in memory too.
    decide(path, 'tracer', 'skipped', ['b/1']);
    decide(path, 'tracer', 'queued', ['b/1']);
    decide(path, 'tracer', 'skipped', ['b/2']);
    await vi.waitFor(() => expect(again.consumer.unread).toBe(1), PATIENCE);
    for (const one of await again.read(1)) again.consumer.settle(one, 'unheard');
    await journal.close();
    expect(query(path, `select seq from delivery where state = 'queued'`)).toEqual([]);
  });

  test('a dead letter of what is being skipped at that moment is none', async () => {
    const { path, journal, tracer, skipped } = await opened();
    await keep(journal, ['a/1', 'a/2']);
    const [one] = await tracer.read(2);
    if (!one) throw new Error('no event was read');
    const post = Worker.prototype.postMessage;
    const posting = vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (
      this: Worker,
      ask,
    ) {
      post.call(this, ask);
      // The file is being asked where the consumer stands.
      if (ask.ask === 'commit' && ask.queries.length > 0) tracer.consumer.settle(one, 'dead', delivery(1));
    });
    decide(path, 'tracer', 'skipped', ['a/1', 'a/2']);
    await vi.waitFor(() => expect(skipped).toEqual(['a/2']), PATIENCE);
    posting.mockRestore();
    expect([tracer.consumer.dead, tracer.consumer.depth]).toEqual([0, 0]);
  });

  test('a place that is removed while its tracer is here is there again, and the tracer goes on', async () => {
    const { path, journal, tracer } = await opened();
    await keep(journal, ['a/1', 'a/2']);
    const admin = new SqliteAdmin(path, systemClock);
    await admin.forget('tracer');
    await admin.close();
    await vi.waitUntil(() => query(path, 'select name from consumer').length === 1, PATIENCE);
    await keep(journal, ['a/3']);
    for (const one of await tracer.read(3)) tracer.consumer.settle(one, 'ok', delivery(1));
    await journal.close();
    expect(query(path, 'select name, position from consumer')).toEqual([{ name: 'tracer', position: 3 }]);
  });
});

test('a consumer that has left keeps its place, and is given again what it had not reported', async () => {
  const { path, journal, tracer } = await opened();
  await keep(journal, ['a/1', 'a/2', 'a/3']);
  const [one] = await tracer.read(2);
  if (!one) throw new Error('no event was read');
  tracer.consumer.settle(one, 'ok', delivery(1));
  await journal.leave('tracer');
  await journal.leave('nobody');
  expect(query(path, 'select name, position from consumer')).toEqual([{ name: 'tracer', position: 1 }]);
  await keep(journal, ['a/4']);
  const again = reader(journal, 'tracer');
  expect(ids(await again.read(3))).toEqual(['a/2', 'a/3', 'a/4']);
});
