import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { sqliteJournal } from '../../src/journal/sqlite.ts';
import { event } from './contract.ts';
import { temporaryPath } from './temporary-journal.ts';

async function bodies(path: string): Promise<string[]> {
  const journal = await sqliteJournal({ path });
  const { found } = await journal.openInbox();
  await journal.close();
  return found.map(({ body }) => body);
}

test('what is put into the inbox is found by the next process, in order, without what was removed', async () => {
  const path = temporaryPath();
  const journal = await sqliteJournal({ path });
  const inbox = await journal.openInbox();
  expect(inbox.found).toEqual([]);
  const ids = ['a', 'b', 'c', 'd'].map((body) => inbox.put(body));
  await journal.durable();
  inbox.remove(ids[1] ?? 0);
  await journal.durable();
  await journal.close();
  expect(await bodies(path)).toEqual(['a', 'c', 'd']);
});

test('a new entry never takes the place of one that was found', async () => {
  const path = temporaryPath();
  for (const body of ['first', 'second', 'third']) {
    const journal = await sqliteJournal({ path });
    const inbox = await journal.openInbox();
    inbox.put(body);
    await journal.close();
  }
  expect(await bodies(path)).toEqual(['first', 'second', 'third']);
});

test('an inbox larger than one page is found whole', async () => {
  const path = temporaryPath();
  const journal = await sqliteJournal({ path });
  const inbox = await journal.openInbox();
  const written = Array.from({ length: 12_000 }, (_, i) => `entry ${i}`);
  for (const body of written) inbox.put(body);
  await journal.close();
  expect(await bodies(path)).toEqual(written);
});

test('an entry is on the disk when the journal says that it is durable, before anything else happens', async () => {
  const path = temporaryPath();
  const journal = await sqliteJournal({ path });
  const inbox = await journal.openInbox();
  inbox.put('alone');
  await journal.durable();
  const other = new DatabaseSync(path, { readOnly: true });
  expect(other.prepare('select body from inbox').all()).toEqual([{ body: 'alone' }]);
  other.close();
  await journal.close();
});

test('an entry is there until the events that were appended before its removal are', async () => {
  const path = temporaryPath();
  const journal = await sqliteJournal({ path });
  const inbox = await journal.openInbox();
  const id = inbox.put('becomes events');
  await journal.durable();
  const events = 20_000;
  for (let i = 0; i < events; i += 1) journal.append(event(`run/${i}`, Date.now()));
  inbox.remove(id);
  let over = false;
  const end = journal.durable().then(() => {
    over = true;
  });
  const other = new DatabaseSync(path, { readOnly: true });
  const look = other.prepare(
    'select (select count(*) from event) as events, (select count(*) from inbox) as entries',
  );
  const seen: unknown[] = [];
  while (!over) {
    const { events: kept, entries } = look.get() ?? {};
    seen.push(kept);
    expect(entries).toBe(kept === events ? 0 : 1);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await end;
  expect(new Set(seen).size).toBeGreaterThan(1);
  other.close();
  await journal.close();
});
