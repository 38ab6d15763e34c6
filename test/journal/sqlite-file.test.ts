import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test, vi } from 'vitest';
import { isLocked, lock } from '../../src/journal/sqlite/writer/lock.ts';
import { sqliteJournal } from '../../src/journal/sqlite.ts';
import { PATIENCE } from '../support/eventually.ts';
import { delivery, ids } from './contract.ts';
import { reader } from './reader.ts';
import { eventIds, keep, openJournal, query, temporaryPath } from './temporary-journal.ts';

/** What was set aside beside a journal. */
const aside = (path: string) =>
  readdirSync(dirname(path)).filter((name) => name.startsWith(`${basename(path)}.`) && !/\.lock$/.test(name));

/** A journal with events of which a tracer has heard none. */
async function written(count: number): Promise<string> {
  const path = temporaryPath();
  const { journal } = await openJournal({ path });
  reader(journal, 'tracer');
  await keep(journal, eventIds(count));
  await journal.close();
  return path;
}

/** Writes over a part of a file from another process: this one would lose its locks on it. */
function overwrite(path: string, offset: number, length: number): void {
  const script = `const fs = require('node:fs'); const f = fs.openSync(process.argv[1], 'r+');
    fs.writeSync(f, Buffer.alloc(${length}, 0xa5), 0, ${length}, ${offset}); fs.closeSync(f);`;
  execFileSync(process.execPath, ['-e', script, path]);
}

describe('a journal that is open', () => {
  test('tells what it takes of its disk, and what it may take', async () => {
    const { journal, state } = await openJournal({ path: temporaryPath(), maxSize: 32 * 1024 * 1024 });
    await keep(journal, eventIds(1));
    const before = state().size;
    expect(before?.limit).toBe(32 * 1024 * 1024);
    await keep(journal, eventIds(500));
    expect(state().size?.used).toBeGreaterThan(before?.used ?? 0);
    await journal.close();
  });

  test('is refused to a second one, in this process and in another, until it is closed', async () => {
    const path = temporaryPath();
    const { journal } = await openJournal({ path });
    await expect(sqliteJournal({ path })).rejects.toMatchObject({ code: 'JOURNAL_IN_USE' });
    const script = `import { sqliteJournal } from '${join(import.meta.dirname, '../../src/journal/sqlite.ts')}';
      await sqliteJournal({ path: process.argv[1] }).catch(({ code }) => console.log(code));`;
    const args = ['--conditions=vcon-otel-source', '--input-type=module', '-e', script, path];
    expect(execFileSync(process.execPath, args, { encoding: 'utf8' })).toBe('JOURNAL_IN_USE\n');
    await journal.close();
    await openJournal({ path });
  });

  test('is one journal by all its names, whether it is made by way of a link or is there already', async () => {
    const [path, link] = [temporaryPath(), temporaryPath()];
    for (const file of [path, link]) mkdirSync(dirname(file), { recursive: true });
    symlinkSync(path, link);
    const { journal: made } = await openJournal({ path: link });
    reader(made, 'tracer');
    await keep(made, ['a/1']);
    await expect(sqliteJournal({ path })).rejects.toMatchObject({ code: 'JOURNAL_IN_USE' });
    await made.close();
    const { journal } = await openJournal({ path });
    expect(ids(await reader(journal, 'tracer').read(1))).toEqual(['a/1']);
    await expect(sqliteJournal({ path: link })).rejects.toMatchObject({ code: 'JOURNAL_IN_USE' });
    expect([isLocked(path), isLocked(link)]).toEqual([true, true]);
    expect(readdirSync(dirname(link))).toEqual([basename(link)]);
  });

  test('has an id of its own, which it keeps', async () => {
    const path = await written(1);
    const { journal } = await openJournal({ path });
    await journal.close();
    const again = await openJournal({ path });
    const other = await openJournal({ path: await written(1) });
    expect(journal.id).toMatch(/^[0-9a-f]{32}$/);
    expect([again.journal.id, other.journal.id === journal.id]).toEqual([journal.id, false]);
  });

  test('is free again when its process was killed', async () => {
    const path = temporaryPath();
    const script = `import { sqliteJournal } from '${join(import.meta.dirname, '../../src/journal/sqlite.ts')}';
      await sqliteJournal({ path: process.argv[1] }); console.log('open'); setInterval(() => {}, 1_000);`;
    const args = ['--conditions=vcon-otel-source', '--input-type=module', '-e', script, path];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(child.stdout, 'data');
      await expect(sqliteJournal({ path })).rejects.toMatchObject({ code: 'JOURNAL_IN_USE' });
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await openJournal({ path });
  });
});

test('a program that opens a journal where it is preloaded (node --import) is not preloaded into its thread', () => {
  const path = temporaryPath();
  const preload = join(import.meta.dirname, 'opens-journal.ts');
  const args = ['--conditions=vcon-otel-source', '-e', ''];
  const env = { ...process.env, NODE_OPTIONS: `--import ${preload}`, JOURNAL: path };
  expect(execFileSync(process.execPath, args, { encoding: 'utf8', env, timeout: 300_000 })).toBe(
    'open\nclosed\n',
  );
});

describe('a file that is corrupt', () => {
  test('and is no database at all is set aside as it is, and the journal works', async () => {
    const path = temporaryPath();
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, 'no database, '.repeat(1_000));
    const { journal, troubles } = await openJournal({ path });
    const { read } = reader(journal, 'tracer');
    await keep(journal, ['a/1']);
    expect(ids(await read(1))).toEqual(['a/1']);
    const [name = ''] = aside(path);
    expect(troubles).toEqual([['journal_corrupt', expect.stringContaining(name)]]);
    expect(readFileSync(join(dirname(path), name), 'utf8')).toMatch(/^no database/);
  });

  test('because it was cut off is set aside, and the journal works', async () => {
    const path = await written(2_000);
    truncateSync(path, 40_000);
    const { journal, troubles } = await openJournal({ path });
    const { read } = reader(journal, 'tracer');
    await keep(journal, ['a/1']);
    expect(ids(await read(1))).toEqual(['a/1']);
    expect(troubles.map(([kind]) => kind)).toEqual(['journal_corrupt']);
    expect(aside(path)).toHaveLength(1);
  });

  test('in the middle is set aside when that is read, and what is in memory is delivered', async () => {
    const path = await written(5_000);
    // Of all pages but the first, the roots of the tables and indexes and the newest events.
    overwrite(path, 4_096 * 100, 4_096 * 60);
    const { journal, troubles, state } = await openJournal({ path });
    const { consumer, read } = reader(journal, 'tracer');
    const after = eventIds(100, 10_000);
    await keep(journal, after);
    const heard: string[] = [];
    while (heard.at(-1) !== after.at(-1)) {
      const [one] = await read(1);
      if (!one) throw new Error('no event was read');
      heard.push(one.eventId);
      consumer.settle(one, 'ok', delivery(1));
    }
    expect(heard.slice(-100)).toEqual(after);
    expect(heard.slice(0, -100)).toEqual(eventIds(heard.length - 100));
    expect(troubles.map(([kind]) => kind)).toEqual(['journal_corrupt']);
    expect([consumer.depth, consumer.unread, consumer.dead, state().failing]).toEqual([0, 0, 0, false]);
    await keep(journal, ['b/1', 'b/2']);
    expect(consumer.depth).toBe(2);
    const [one] = await read(1);
    if (one) consumer.settle(one, 'dead', delivery(1, 'TypeError'));
    await journal.close();
    const again = reader((await openJournal({ path })).journal, 'tracer');
    expect(ids(await again.read(1))).toEqual(['b/2']);
    expect([again.consumer.depth, again.consumer.dead]).toEqual([1, 1]);
  });
});

describe('a file that is not ours', () => {
  test.each([0, 1])(
    'but another program’s database, of its version %i, is refused and left as it is',
    async (version) => {
      const path = temporaryPath();
      mkdirSync(dirname(path));
      const db = new DatabaseSync(path);
      db.exec(
        `create table theirs (what text); insert into theirs values ('kept'); pragma user_version = ${version}`,
      );
      db.close();
      const before = readFileSync(path);
      await expect(sqliteJournal({ path })).rejects.toMatchObject({
        code: 'FILE_UNUSABLE',
        message: 'the file is a database, but no journal',
      });
      expect([readFileSync(path).equals(before), aside(path)]).toEqual([true, []]);
    },
  );

  test('but a newer version’s journal is refused in a sentence', async () => {
    const path = await written(1);
    query(path, 'pragma user_version = 99');
    await expect(sqliteJournal({ path })).rejects.toThrow(
      /^the journal has schema 99, this version of vcon-otel knows \d+: use the newer version that wrote it$/,
    );
    expect(aside(path)).toEqual([]);
  });
});

describe('a path where nothing can be written', () => {
  test.each([
    ['below a file', (path: string) => join(path, 'journal.db')],
    ['where the system lets nobody', () => '/sys/vcon-otel/journal.db'],
    ['that is a folder', dirname],
  ])('%s is refused', async (_, wrong) => {
    const path = temporaryPath();
    mkdirSync(dirname(path));
    writeFileSync(path, '');
    await expect(sqliteJournal({ path: wrong(path) })).rejects.toMatchObject({ code: 'FILE_UNUSABLE' });
  });
});

describe('a journal whose file is deleted under it', () => {
  const gone = [
    ['the file alone', (path: string) => rmSync(path)],
    ['the write-ahead log alone', (path: string) => rmSync(`${path}-wal`)],
    ['its folder', (path: string) => rmSync(dirname(path), { recursive: true })],
    [
      'the file, for another one,',
      (path: string) => {
        rmSync(path);
        writeFileSync(path, 'another');
      },
    ],
  ] as const;

  test.each(gone)('%s, has lost nothing when it is opened again', async (_, remove) => {
    const path = temporaryPath();
    const { journal, troubles } = await openJournal({ path });
    const { consumer, read } = reader(journal, 'tracer');
    await keep(journal, eventIds(100));
    remove(path);
    for (const one of await read(10)) consumer.settle(one, 'ok', delivery(1));
    await keep(journal, eventIds(100, 100));
    expect(troubles.map(([kind]) => kind)).toEqual(['journal_replaced']);
    await journal.close();
    const again = reader((await openJournal({ path })).journal, 'tracer');
    expect(ids(await again.read(190))).toEqual(eventIds(190, 10));
  });

  test.each(gone)('%s, has lost nothing even if it is closed at once', async (_, remove) => {
    const path = temporaryPath();
    const { journal } = await openJournal({ path });
    reader(journal, 'tracer');
    await keep(journal, eventIds(100));
    remove(path);
    await journal.close();
    const again = reader((await openJournal({ path })).journal, 'tracer');
    expect(ids(await again.read(100))).toEqual(eventIds(100));
  });

  test('notices it although nothing is to be written', async () => {
    const path = temporaryPath();
    const { journal, troubles } = await openJournal({ path });
    reader(journal, 'tracer');
    await keep(journal, eventIds(10));
    rmSync(path);
    await vi.waitFor(() => expect(troubles.map(([kind]) => kind)).toEqual(['journal_replaced']), PATIENCE);
    expect(query(path, 'select coalesce(sum(last - first + 1), 0) as events from page')).toEqual([
      { events: 10 },
    ]);
  });

  test('acknowledges nothing while another service has its place, and says so once', async () => {
    const path = temporaryPath();
    const { journal, troubles, state } = await openJournal({ path });
    const { consumer } = reader(journal, 'tracer');
    await keep(journal, eventIds(10));
    rmSync(dirname(path), { recursive: true });
    mkdirSync(dirname(path));
    const other = lock(path);
    let durable = false;
    const kept = keep(journal, ['late/1']).then(() => {
      durable = true;
    });
    await vi.waitFor(() => expect(state().failing).toBe(true), PATIENCE);
    expect([durable, consumer.unread]).toEqual([false, 11]);
    other.release();
    await kept;
    expect(state().failing).toBe(false);
    expect(troubles.map(([kind]) => kind)).toEqual(['journal_unwritable', 'journal_replaced']);
    expect(query(path, 'select coalesce(sum(last - first + 1), 0) as events from page')).toEqual([
      { events: 11 },
    ]);
  });

  test('ends when it is closed, although nothing can be written, and says what it could not keep', async () => {
    const path = temporaryPath();
    const { journal, troubles, state } = await openJournal({ path });
    const dropped: string[] = [];
    reader(journal, 'tracer', { onDrop: (events) => dropped.push(...ids(events)) });
    await keep(journal, ['a/1']);
    // Where its folder was there is a file now.
    rmSync(dirname(path), { recursive: true });
    writeFileSync(dirname(path), '');
    const lost = expect(keep(journal, ['a/2', 'a/3'])).rejects.toMatchObject({ code: 'EVENTS_LOST' });
    await vi.waitFor(() => expect(state().failing).toBe(true), PATIENCE);
    await journal.close();
    await lost;
    await expect(journal.append([])).rejects.toMatchObject({ code: 'EVENTS_LOST' });
    expect(dropped).toEqual(['a/2', 'a/3']);
    expect(troubles.map(([kind]) => kind)).toEqual(['journal_unwritable']);
  });
});
