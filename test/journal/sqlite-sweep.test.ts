import { expect, test } from 'vitest';
import { Store } from '../../src/journal/sqlite/writer/store.ts';
import { Sweep } from '../../src/journal/sqlite/writer/sweep.ts';
import { delivery } from './contract.ts';
import { reader } from './reader.ts';
import { keep, openJournal, temporaryPath } from './temporary-journal.ts';

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
