import { expect, test } from 'vitest';
import { SqliteAdmin } from '../../src/journal/sqlite/sqlite-admin.ts';
import { Store } from '../../src/journal/sqlite/writer/store.ts';
import { Sweep } from '../../src/journal/sqlite/writer/sweep.ts';
import { systemClock } from '../../src/model/clock.ts';
import { delivery } from './contract.ts';
import { reader } from './reader.ts';
import { keep, openJournal, query, temporaryPath } from './temporary-journal.ts';

const HOUR = 3_600_000;

test('events that may be told again from the input log stay, however old they are, so that repeats are recognised', async () => {
  const path = temporaryPath();
  const { journal } = await openJournal({ path, retention: 1e13 });
  const inbox = await journal.openInbox();
  const { consumer, read } = reader(journal, 'tracer');
  const old = Date.now() - 48 * HOUR;
  await keep(journal, ['a/1', 'a/2'], old);
  const place = await inbox.append([Buffer.from('becomes b')]);
  await keep(journal, ['b/1'], old);
  const next = await inbox.append([Buffer.from('becomes c')]);
  await keep(journal, ['c/1'], old);
  for (const one of await read(4)) consumer.settle(one, 'ok', delivery(1));
  await journal.close();
  const store = new Store(path);
  const sweep = () => {
    new Sweep(store).step({
      before: Date.now(),
      upTo: store.input.toldOnce(),
      deadLetters: false,
      consumers: [1],
    });
    store.runs.tidy();
    const pages = [...store.pages.between(0, Number.MAX_SAFE_INTEGER)];
    return pages.map(({ page }) => page.runId(0));
  };
  expect(sweep()).toEqual(['b', 'c']);
  expect(sweep()).toEqual(['b', 'c']);
  store.input.advance(place + 1);
  expect(sweep()).toEqual(['c']);
  store.input.advance(next + 1);
  expect(sweep()).toEqual([]);
  expect(store.db.prepare('select * from run').all()).toEqual([]);
  store.close();
});

test('what a tracer had yet to hear stays until its place is forgotten', async () => {
  const path = temporaryPath();
  const { journal } = await openJournal({ path, retention: 1e13 });
  const { consumer, read } = reader(journal, 'tracer');
  const old = reader(journal, 'old');
  await keep(journal, ['a/1', 'a/2', 'a/3'], Date.now() - 48 * HOUR);
  for (const one of await read(3)) consumer.settle(one, 'ok', delivery(1));
  const [one, two] = await old.read(2);
  if (!one || !two) throw new Error('too few events');
  old.consumer.settle(one, 'dead', delivery(1));
  old.consumer.settle(two, 'ok', delivery(1));
  await journal.close();
  const pages = () => {
    const store = new Store(path);
    const aim = { before: Date.now(), upTo: store.last, deadLetters: false, consumers: store.consumers() };
    new Sweep(store).step(aim);
    const left = [...store.pages.between(0, Number.MAX_SAFE_INTEGER)].length;
    store.close();
    return left;
  };
  expect(pages()).toBe(1);
  const admin = new SqliteAdmin(path, systemClock);
  await admin.forget('old');
  await admin.close();
  expect(query(path, 'select name from consumer')).toEqual([{ name: 'tracer' }]);
  expect(query(path, 'select * from delivery')).toEqual([]);
  expect(pages()).toBe(0);
});
