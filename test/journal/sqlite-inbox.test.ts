import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import type { Inbox } from '../../src/journal/inbox.ts';
import { sqliteJournal } from '../../src/journal/sqlite.ts';
import { event } from './contract.ts';
import { storedInputs } from './stored-inputs.ts';
import { crashed, temporaryPath } from './temporary-journal.ts';

async function bodiesIn(inbox: Inbox): Promise<string[]> {
  const bodies: string[] = [];
  for (let from = inbox.lowWatermark; ; ) {
    const entries = await inbox.read(from, 1_000);
    const end = entries.at(-1);
    if (!end) return bodies;
    bodies.push(...entries.map(({ body = '' }) => Buffer.from(body).toString()));
    from = end.place + 1;
  }
}

const bytes = (...bodies: string[]) => bodies.map((body) => Buffer.from(body));

async function bodies(path: string): Promise<string[]> {
  const journal = await sqliteJournal({ path });
  const found = await bodiesIn(await journal.openInbox());
  await journal.close();
  return found;
}

test('what is appended to the input log is read by the next process, in order, from the low watermark on', async () => {
  const path = temporaryPath();
  const journal = await sqliteJournal({ path });
  const inbox = await journal.openInbox();
  expect(await bodiesIn(inbox)).toEqual([]);
  const first = await inbox.append(bytes('a', 'b', 'c', 'd'));
  inbox.advance(first + 2);
  await journal.close();
  expect(await bodies(path)).toEqual(['c', 'd']);
  const later = await sqliteJournal({ path });
  expect((await later.openInbox()).lowWatermark).toBe(first + 2);
  await later.close();
});

test('a new entry never takes the place of one that was there, even if that is needed no more', async () => {
  const path = temporaryPath();
  const places: number[] = [];
  for (const body of ['first', 'second', 'third']) {
    const journal = await sqliteJournal({ path });
    const inbox = await journal.openInbox();
    const place = await inbox.append(bytes(body));
    places.push(place);
    inbox.advance(place + 1);
    await journal.close();
  }
  expect(places).toEqual([...new Set(places)].sort((a, b) => a - b));
  expect(await bodies(path)).toEqual([]);
});

test('an input log larger than one page is read whole, and so are entries that are long', async () => {
  const path = temporaryPath();
  const journal = await sqliteJournal({ path });
  const inbox = await journal.openInbox();
  const written = Array.from({ length: 12_000 }, (_, i) => `entry ${i}`);
  await inbox.append(bytes(...written));
  const long = Array.from({ length: 3 }, (_, i) => `${i}`.repeat(5_000_000));
  for (const body of long) await inbox.append(bytes(body));
  await journal.close();
  expect(await bodies(path)).toEqual([...written, ...long]);
});

test('an entry is on the disk when its append has resolved, before anything else happens', async () => {
  const path = temporaryPath();
  const journal = await sqliteJournal({ path });
  const inbox = await journal.openInbox();
  await inbox.append(bytes('alone'));
  const copy = crashed(path);
  const db = new DatabaseSync(copy);
  expect(storedInputs(db).map((body) => Buffer.from(body).toString())).toEqual(['alone']);
  db.close();
  await journal.close();
});

test('an entry is there until the events that were appended before the low watermark moved on are', async () => {
  const path = temporaryPath();
  const journal = await sqliteJournal({ path });
  const inbox = await journal.openInbox();
  const place = await inbox.append(bytes('becomes events'));
  const events = 20_000;
  void journal.append(Array.from({ length: events }, (_, i) => event(`run/${i}`, Date.now())));
  inbox.advance(place + 1);
  let over = false;
  const end = journal.append([]).then(() => {
    over = true;
  });
  const other = new DatabaseSync(path, { readOnly: true });
  const look = other.prepare(
    'select (select coalesce(sum(last - first + 1), 0) from page) as events, (select coalesce(sum(last - place + 1), 0) from input) as entries',
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

test('no event is on the disk before the entries that were appended before it are, however many there are', async () => {
  const path = temporaryPath();
  const journal = await sqliteJournal({ path });
  const inbox = await journal.openInbox();
  const entries = Array.from({ length: 40 }, () => 'long'.repeat(500_000));
  let over = false;
  const end = Promise.all([
    ...entries.map((body) => inbox.append(bytes(body))),
    journal.append([event('run/1', Date.now())]),
  ]).then(() => {
    over = true;
  });
  const other = new DatabaseSync(path, { readOnly: true });
  const look = other.prepare(
    'select (select coalesce(sum(last - first + 1), 0) from page) as events, (select coalesce(sum(last - place + 1), 0) from input) as entries',
  );
  while (!over) {
    const { events, entries: kept } = look.get() ?? {};
    if (events === 1) expect(kept).toBe(entries.length);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await end;
  other.close();
  await journal.close();
});

test('an entry that is not as it was written is lost alone, and its place is named', async () => {
  const path = temporaryPath();
  const journal = await sqliteJournal({ path });
  const first = await (await journal.openInbox()).append(bytes('a', 'b', 'c'));
  await journal.close();
  const db = new DatabaseSync(path);
  const block = db.prepare('select block from input').get()?.block as Uint8Array;
  const damaged = (at: number) => block.map((byte, index) => (index === at ? byte ^ 1 : byte));
  const read = async (written: Uint8Array) => {
    db.prepare('update input set block = ?').run(written);
    const later = await sqliteJournal({ path });
    const entries = await (await later.openInbox()).read(first, 1_000);
    await later.close();
    return entries.map(({ place, body }) => [place - first, body && Buffer.from(body).toString()]);
  };
  const last = block.byteLength - 1;
  expect(await read(damaged(last - 1))).toEqual([
    [0, 'a'],
    [1, undefined],
    [2, 'c'],
  ]);
  expect(await read(block.subarray(0, last))).toEqual([
    [0, 'a'],
    [1, 'b'],
    [2, undefined],
  ]);
  const all = [0, 1, 2].map((place) => [place, undefined]);
  expect(await read(damaged(5))).toEqual(all);
  expect(await read(new Uint8Array())).toEqual(all);
  db.close();
});
