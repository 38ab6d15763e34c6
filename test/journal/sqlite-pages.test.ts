import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test, vi } from 'vitest';
import { openFileAdmin } from '../../src/journal/open-admin.ts';
import { pageOf } from '../../src/journal/sqlite/page.ts';
import { Store } from '../../src/journal/sqlite/writer/store.ts';
import type { ChainEvent } from '../../src/model/event.ts';
import { allOf } from '../support/all-of.ts';
import { PATIENCE } from '../support/eventually.ts';
import { delivery, event, ids } from './contract.ts';
import { reader } from './reader.ts';
import { storedEvents } from './stored-events.ts';
import { eventIds, keep, openJournal, query, temporaryPath } from './temporary-journal.ts';

/** A path whose folder is there. */
function madePath(): string {
  const path = temporaryPath();
  mkdirSync(dirname(path));
  return path;
}

/** A journal with pages of ten events, which a tracer has still to hear. */
async function written(pages: number): Promise<string> {
  const path = temporaryPath();
  const { journal } = await openJournal({ path });
  reader(journal, 'tracer');
  for (let page = 0; page < pages; page += 1) await keep(journal, eventIds(10, 10 * page));
  await journal.close();
  return path;
}

test('a page that is not as it was written is lost, is named, and keeps nobody from the others', async () => {
  const path = await written(4);
  const db = new DatabaseSync(path);
  db.exec(
    "update page set body = cast(substr(body, 1, 40) || x'ff' || substr(body, 42) as blob) where first = 11",
  );
  db.exec('update page set body = substr(body, 1, 9) where first = 31');
  db.close();
  const { journal, troubles } = await openJournal({ path });
  const { consumer, read } = reader(journal, 'tracer');
  const heard = await read(20);
  expect(ids(heard)).toEqual([...eventIds(10), ...eventIds(10, 20)]);
  for (const one of heard) consumer.settle(one, 'ok', delivery(1));
  await vi.waitFor(() => expect([consumer.depth, consumer.unread]).toEqual([0, 0]), PATIENCE);
  const lost = (from: number, to: number) => [
    'journal_corrupt',
    `events ${from} to ${to} of the journal cannot be read: 10 events are lost`,
  ];
  expect(troubles).toEqual([lost(11, 20), lost(31, 40)]);
  await keep(journal, ['later/1']);
  expect(ids(await read(1))).toEqual(['later/1']);
});

test('small pages that are seldom read are packed together, and are read as before', async () => {
  const path = await written(150);
  const store = new Store(path);
  const before = storedEvents(store.db);
  const size = () => Number(store.db.prepare('select sum(length(body)) as bytes from page').get()?.bytes);
  const loose = size();
  while (store.transaction(() => store.pages.pack(1_300)));
  expect(query(path, 'select is_packed, count(*) as pages from page group by is_packed')).toEqual([
    { is_packed: 0, pages: 21 },
    { is_packed: 1, pages: 1 },
  ]);
  expect(storedEvents(store.db)).toEqual(before);
  expect(size()).toBeLessThan(loose / 2);
  store.close();
  const { journal } = await openJournal({ path });
  expect(await keep(journal, eventIds(3, 700))).toEqual(eventIds(3, 700));
  expect(ids(await reader(journal, 'tracer').read(1_500))).toEqual(eventIds(1_500));
});

test('a repeat is recognised when its run has long been forgotten in memory, and is not stored', async () => {
  const path = temporaryPath();
  const { journal } = await openJournal({ path });
  const { consumer } = reader(journal, 'tracer');
  await keep(journal, ['first/1', 'ended/chain/start', 'ended/chain/complete']);
  for (let from = 0; from < 22_000; from += 2_000)
    await keep(
      journal,
      Array.from({ length: 2_000 }, (_, index) => `other${from + index}/1`),
    );
  const again = ['first/1', 'first/2', 'ended/chain/complete', 'ended/chain/late'];
  expect(await keep(journal, again)).toEqual(['first/1', 'ended/chain/complete']);
  expect(await keep(journal, again)).toEqual(again);
  expect(consumer.depth).toBe(22_005);
  await journal.close();
  expect(
    query(
      path,
      "select run_id, last - first as span from run where run_id in ('first', 'ended') order by run",
    ),
  ).toEqual([
    { run_id: 'first', span: 22_003 },
    { run_id: 'ended', span: 22_003 },
  ]);
});

test('a run is found by its id and its vCon, whichever pages its events are in', async () => {
  const path = temporaryPath();
  const { journal } = await openJournal({ path });
  reader(journal, 'tracer');
  for (const step of [1, 2, 3]) {
    await keep(journal, [`a/${step}`, `b/${step}`]);
    await journal.append([{ ...event(`c/${step}`), outVconUuid: 'made' }]);
  }
  await journal.close();
  const admin = await openFileAdmin(path);
  const runs = await allOf((await admin.runs({ limit: 0, vcon: 'MADE' })).runs);
  expect(runs.map(({ events }) => ids(events))).toEqual([['c/1', 'c/2', 'c/3']]);
  expect(await admin.skip('tracer', { of: 'ids', ids: ['b', 'a/3'] })).toEqual({ changed: 4, left: 0 });
  expect(await admin.planReplay({ tracer: 'new', since: undefined, until: undefined, vcon: 'made' })).toEqual(
    {
      events: 3,
      waiting: 0,
      isNew: true,
    },
  );
  await admin.close();
});

test('a page of which nothing is new is not stored, and of one with repeats only the rest', () => {
  const store = new Store(madePath());
  const page = (...some: string[]) => pageOf(some.map((id) => event(id)));
  const append = (bytes: Uint8Array) => [...store.transaction(() => store.append(bytes))];
  expect(append(page('a/1', 'a/1', 'a/2'))).toEqual([[1, 1]]);
  expect(append(page('a/2', 'a/1'))).toEqual([
    [0, 2],
    [1, 1],
  ]);
  expect(append(page('a/3', 'a/1', 'b/1'))).toEqual([[1, 1]]);
  expect(storedEvents(store.db).map(({ seq, event: { eventId } }) => [seq, eventId])).toEqual([
    [1, 'a/1'],
    [2, 'a/2'],
    [3, 'a/3'],
    [4, 'b/1'],
  ]);
  store.close();
});

test('a repeat is recognised however many other runs have ended since', async () => {
  const { journal } = await openJournal({ path: temporaryPath() });
  const whole = (run: string) => [`${run}/chain/start`, `${run}/chain/complete`];
  const more = Array.from({ length: 2_500 }, (_, i) => whole(`later${i}`)).flat();
  await keep(journal, [...whole('first'), 'open/chain/start']);
  expect(await keep(journal, more)).toEqual([]);
  expect(await keep(journal, whole('first'))).toEqual(whole('first'));
  expect(await keep(journal, whole('open'))).toEqual(['open/chain/start']);
  expect(await keep(journal, whole('later7'))).toEqual(whole('later7'));
});

test('a page that is written anew keeps its seqs, its form, and all other events', async () => {
  const path = await written(150);
  const store = new Store(path);
  store.transaction(() => store.pages.pack(1_501));
  const before = storedEvents(store.db);
  const renamed = (one: ChainEvent) => ({ ...one, inVconUuid: 'renamed' });
  const forms = () => store.db.prepare('select first, last, is_packed from page order by first').all();
  const were = forms();
  expect(were.some(({ is_packed }) => is_packed === 1)).toBe(true);
  store.transaction(() => {
    for (const kept of store.pages.between(0, 1_500)) store.pages.rewrite(kept, renamed);
  });
  expect(forms()).toEqual(were);
  expect(storedEvents(store.db)).toEqual(before.map((one) => ({ ...one, event: renamed(one.event) })));
  store.close();
});
