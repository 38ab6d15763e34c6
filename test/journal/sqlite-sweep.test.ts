import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { Sweep } from '../../src/journal/sqlite/writer/sweep.ts';
import { delivery, reader } from './contract.ts';
import { keep, openJournal, temporaryPath } from './temporary-journal.ts';

const HOUR = 3_600_000;

test('what happened long ago and was heard just now is kept for its time, so that it is recognised', async () => {
  const path = temporaryPath();
  const { journal } = await openJournal({ path, retention: 1e13 });
  const { consumer, read } = reader(journal, 'tracer');
  await keep(journal, ['a/1', 'a/2'], Date.now() - 48 * HOUR);
  for (const one of await read(2)) consumer.settle(one, 'ok', delivery(1));
  await journal.close();
  const db = new DatabaseSync(path);
  const sweep = (before: number) =>
    new Sweep(db).step({ before, deadLetters: false, consumers: [1] })?.events ?? 0;
  expect([sweep(Date.now() - HOUR), sweep(Date.now() + HOUR)]).toEqual([0, 2]);
  db.close();
});
