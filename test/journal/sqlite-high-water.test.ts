import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { eventIds, keep, openJournal, temporaryPath } from './temporary-journal.ts';

/** A journal as a kill leaves it, with its log or without. @param ends of the names of its files */
async function killed(ends: readonly string[], count = 100): Promise<string> {
  const from = temporaryPath();
  const { journal } = await openJournal({ path: from });
  await keep(journal, eventIds(count));
  const path = temporaryPath();
  mkdirSync(dirname(path));
  for (const end of ends) copyFileSync(from + end, path + end);
  await journal.close();
  return path;
}

const kindsOf = (troubles: readonly (readonly [string, string])[]) => troubles.map(([kind]) => kind);

test('a log that was deleted after a kill is told of at the next start, with what is gone, and once', async () => {
  const path = await killed(['', '-mark']);
  const { journal, troubles } = await openJournal({ path });
  expect(kindsOf(troubles)).toEqual(['journal_went_back']);
  expect(troubles[0]?.[1]).toMatch(/100 events and \d+ inputs .* are gone/);
  await journal.close();
  const again = await openJournal({ path });
  expect(again.troubles).toEqual([]);
});

test('a journal whose log is there lacks nothing, after a kill and after an end in order', async () => {
  const path = await killed(['', '-wal', '-mark']);
  const { journal, troubles } = await openJournal({ path });
  expect(troubles).toEqual([]);
  await keep(journal, eventIds(10, 100));
  await journal.close();
  expect((await openJournal({ path })).troubles).toEqual([]);
});

test('an old copy in its place is told of, and another journal in its place', async () => {
  const path = temporaryPath();
  const first = await openJournal({ path });
  await keep(first.journal, eventIds(10));
  await first.journal.close();
  const copy = readFileSync(path);
  const second = await openJournal({ path });
  await keep(second.journal, eventIds(10, 10));
  await second.journal.close();
  writeFileSync(path, copy);
  const third = await openJournal({ path });
  expect(third.troubles[0]?.[1]).toContain('10 events');
  await third.journal.close();
  rmSync(path);
  expect(kindsOf((await openJournal({ path })).troubles)).toEqual(['journal_went_back']);
});

test('a mark that is not as it was written says nothing', async () => {
  const path = await killed(['', '-wal', '-mark']);
  const written = readFileSync(`${path}-mark`, 'utf8');
  for (const at of [0, written.indexOf(' ') + 1, written.trimEnd().length - 1]) {
    const other = written[at] === '7' ? '8' : '7';
    writeFileSync(`${path}-mark`, written.slice(0, at) + other + written.slice(at + 1));
    const { journal, troubles } = await openJournal({ path });
    expect(troubles).toEqual([]);
    await journal.close();
  }
});

test('a mark that is missing or cannot be read says nothing', async () => {
  for (const text of [undefined, '', 'x', 'id 1', 'id one 2']) {
    const path = await killed(['', '-wal']);
    if (text !== undefined) writeFileSync(`${path}-mark`, text);
    const { journal, troubles } = await openJournal({ path });
    expect(troubles).toEqual([]);
    await journal.close();
  }
});
