import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { Sweep } from '../../src/journal/sqlite/writer/sweep.ts';
import { delivery, reader } from './contract.ts';
import { keep, openJournal, temporaryPath } from './temporary-journal.ts';

const HOUR = 3_600_000;

test('events of a run that the inbox speaks of stay, however old they are, so that repeats are recognised', async () => {
  const path = temporaryPath();
  const { journal } = await openJournal({ path, retention: 1e13 });
  const inbox = await journal.openInbox();
  const { consumer, read } = reader(journal, 'tracer');
  const entry = inbox.put('what is known of it', 'part');
  inbox.rename('part', 'a');
  await keep(journal, ['a/1', 'a/2', 'b/1'], Date.now() - 48 * HOUR);
  for (const one of await read(3)) consumer.settle(one, 'ok', delivery(1));
  await journal.close();
  const db = new DatabaseSync(path);
  const sweep = () => new Sweep(db).step({ before: Date.now(), deadLetters: false, consumers: [1] })?.runIds;
  expect(sweep()).toEqual(['b']);
  db.prepare('delete from inbox where id = ?').run(entry);
  expect(sweep()).toEqual(['a']);
  db.close();
});
