import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openFileAdmin } from '../../src/journal/open-admin.ts';
import type { ChainEvent } from '../../src/model/event.ts';
import { journalFolder, openJournal, runEvents } from '../cli/kept-runs.ts';
import { PATIENCE } from '../support/eventually.ts';
import { ids } from './contract.ts';

/** Follows a journal in this process; the reader takes a page when it is told to. */
function follow(path: string, last = 0) {
  const ending = new AbortController();
  const pages: ChainEvent[][] = [];
  const remarks: string[] = [];
  let taken = Promise.resolve();
  const ended = openFileAdmin(path).then((admin) =>
    admin.tail({
      last,
      signal: ending.signal,
      remark: (sentence) => remarks.push(sentence),
      take: (events) => {
        pages.push([...events]);
        return taken;
      },
    }),
  );
  onTestFinished(() => ending.abort());
  return {
    pages,
    remarks,
    ended,
    stop: () => ending.abort(),
    /** From now on a page is taken only when the function that this answers with is called. */
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      taken = promise;
      return resolve;
    },
    events: (count: number) => vi.waitUntil(() => pages.flat().length >= count && pages.flat(), PATIENCE),
  };
}

async function withEvents(...runs: readonly string[]) {
  const path = join(journalFolder(), 'journal.db');
  const journal = await openJournal(path);
  await journal.append(runs.flatMap((id) => runEvents({ id })));
  return { path, journal };
}

test('a reader that is slow holds no transaction: the write-ahead log can be emptied', async () => {
  const { path, journal } = await withEvents('a');
  const reader = follow(path, 100);
  const release = reader.hold();
  await reader.events(4);
  await journal.append(runEvents({ id: 'b' }));
  const operator = new DatabaseSync(path);
  const { busy } = operator.prepare('pragma wal_checkpoint(truncate)').get() ?? {};
  operator.close();
  expect(busy).toBe(0);
  release();
  expect(ids(await reader.events(8))).toEqual(ids([...runEvents({ id: 'a' }), ...runEvents({ id: 'b' })]));
  reader.stop();
  await reader.ended;
  expect(reader.remarks).toEqual([`Following ${path}`]);
});

test('what is removed before it could be read is told', async () => {
  const { path, journal } = await withEvents('a');
  const reader = follow(path, 1);
  const release = reader.hold();
  await reader.events(1);
  for (const id of ['b', 'c']) await journal.append(runEvents({ id }));
  const operator = new DatabaseSync(path, { timeout: 60_000 });
  operator.exec('delete from page where first = 5');
  operator.close();
  release();
  expect(ids(await reader.events(5)).slice(1)).toEqual(ids(runEvents({ id: 'c' })));
  expect(reader.remarks).toEqual([`Following ${path}`, '4 events were removed before they could be shown']);
});

test('what was swept after it was read is nothing to tell', async () => {
  const { path, journal } = await withEvents('a');
  const reader = follow(path, 100);
  await reader.events(4);
  const operator = new DatabaseSync(path, { timeout: 60_000 });
  operator.exec('delete from page; delete from run');
  operator.close();
  await journal.append(runEvents({ id: 'b' }));
  expect(ids(await reader.events(8)).slice(4)).toEqual(ids(runEvents({ id: 'b' })));
  expect(reader.remarks).toEqual([`Following ${path}`]);
});

test('a journal that is deleted for good is waited for', async () => {
  const { path, journal } = await withEvents('a');
  const reader = follow(path);
  await vi.waitUntil(() => reader.remarks.length === 1, PATIENCE);
  await journal.close();
  rmSync(path);
  await vi.waitUntil(() => reader.remarks.length === 2, PATIENCE);
  expect(reader.remarks[1]).toBe(`The journal ${path} is gone: waiting for it`);
  reader.stop();
  await reader.ended;
});

test('a new journal that has already as many events as the old one is shown from its first', async () => {
  const { path, journal } = await withEvents('a');
  const reader = follow(path);
  await vi.waitUntil(() => reader.remarks.length === 1, PATIENCE);
  const release = reader.hold();
  await journal.append(runEvents({ id: 'b', upTo: 1 }));
  await reader.events(1);
  await journal.close();
  rmSync(path);
  const other = await openJournal(path);
  const later = ['c', 'd'].flatMap((id) => runEvents({ id, at: Date.now() }));
  await other.append(later);
  release();
  expect(ids(await reader.events(9)).slice(1)).toEqual(ids(later));
});
