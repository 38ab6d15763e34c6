import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type {
  Choice,
  JournalAdmin,
  Replay,
  ReplayAim,
  Replayed,
  RunFilter,
} from '../../src/journal/admin.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { openFileAdmin } from '../../src/journal/open-admin.ts';
import { openJournalFile, schemaFault } from '../../src/journal/sqlite/admin/journal-file.ts';
import { systemClock } from '../../src/model/clock.ts';
import { journalFolder, NOON, OTHER_VCON, openJournal, runEvents, VCON } from '../cli/kept-runs.ts';
import { allOf } from '../support/all-of.ts';
import { PATIENCE } from '../support/eventually.ts';
import { delivery, ids } from './contract.ts';
import { type Reader, reader } from './reader.ts';

let path: string;

beforeEach(() => {
  path = join(journalFolder(), 'journal.db');
});

/** Two runs, `a` of one vCon and `b`, an hour later, of another. */
async function appendTwoRuns(journal: Journal): Promise<void> {
  await journal.append([
    ...runEvents({ id: 'a' }),
    ...runEvents({ id: 'b', at: NOON + 3_600_000, vcon: OTHER_VCON }),
  ]);
}

/** A service with the two runs, of which a tracer has been given `read` events. */
async function running(read: number): Promise<{ journal: Journal; jlinc: Reader; skipped: string[] }> {
  const journal = await openJournal(path);
  const skipped: string[] = [];
  const jlinc = reader(journal, 'jlinc', { onSkip: (events) => skipped.push(...ids(events)) });
  await appendTwoRuns(journal);
  const events = await jlinc.read(read);
  for (const event of events) jlinc.consumer.settle(event, 'dead', delivery(5, 'ECONNREFUSED'));
  await saved(jlinc, events.length);
  return { journal, jlinc, skipped };
}

/** Until what a tracer has answered is in the file. */
async function saved(of: Reader, deadLetters: number): Promise<void> {
  expect(of.consumer.dead).toBe(deadLetters);
  await vi.waitUntil(async () => (await stats('jlinc')).deadLetters === deadLetters, PATIENCE);
}

async function withAdmin<T>(work: (admin: JournalAdmin) => Promise<T>): Promise<T> {
  const admin = await openFileAdmin(path);
  try {
    return await work(admin);
  } finally {
    await admin.close();
  }
}

function stats(name: string) {
  return withAdmin((admin) => admin.stats(name));
}

function idsToHear(name = 'jlinc', limit = 0): Promise<string[]> {
  return withAdmin(async (admin) =>
    (await allOf(admin.eventsToHear(name, limit))).map(({ event }) => event.eventId),
  );
}

function plan(aim: Partial<ReplayAim> = {}) {
  return withAdmin((admin) => admin.planReplay(aimOf(aim)));
}

function aimOf(aim: Partial<ReplayAim>): ReplayAim {
  return { tracer: 'jlinc', since: undefined, until: undefined, vcon: undefined, ...aim };
}

function toTheEnd(replay: Replay): Promise<number[]> {
  return allOf(replay.queue());
}

function replayed(aim: Partial<ReplayAim>): Promise<{ steps: number[]; look: Replayed }> {
  return withAdmin(async (admin) => {
    const replay = await admin.replay(aimOf(aim));
    const steps = await toTheEnd(replay);
    return { steps, look: await replay.look() };
  });
}

const A = ids(runEvents({ id: 'a' }));
const B = ids(runEvents({ id: 'b' }));

describe('what an operator sees', () => {
  test('while a service has the journal open is what the service knows', async () => {
    const { journal, jlinc } = await running(0);
    const other = reader(journal, 'late');
    const [ok, retried, answeredFalse, dead] = await jlinc.read(5);
    if (!ok || !retried || !answeredFalse || !dead) throw new Error('too few events');
    jlinc.consumer.settle(ok, 'ok', delivery(1));
    jlinc.consumer.retry(retried, delivery(3, 'TIMEOUT'));
    jlinc.consumer.settle(answeredFalse, 'failed', delivery(1));
    jlinc.consumer.settle(dead, 'dead', delivery(7, 'ECONNREFUSED'));
    await saved(jlinc, 2);
    expect(await stats('jlinc')).toEqual({
      tracer: 'jlinc',
      position: 1,
      depth: jlinc.consumer.depth,
      retrying: 1,
      attempts: 3,
      queued: 0,
      deadLetters: 2,
      ok: 1,
      skipped: 0,
      dropped: 0,
      oldest: NOON + 10,
    });
    expect(jlinc.consumer.depth).toBe(5);
    expect(await stats('late')).toMatchObject({ depth: other.consumer.depth, oldest: undefined });
    expect(await withAdmin((admin) => admin.isServed())).toBe(true);
  });

  test('after it has ended is what it will know', async () => {
    const { journal } = await running(3);
    await journal.close();
    expect(await stats('jlinc')).toMatchObject({ depth: 5, deadLetters: 3, position: 3 });
    expect(await withAdmin((admin) => admin.isServed())).toBe(false);
    expect(readdirSync(join(path, '..')).sort()).toEqual([
      'journal.db',
      'journal.db-mark',
      'journal.db.lock',
    ]);
  });

  test('changes nothing in the file', async () => {
    const { journal } = await running(3);
    await journal.close();
    const before = readFileSync(path);
    await withAdmin(async (admin) => {
      await admin.tracers();
      await admin.stats('jlinc');
      const lists = [admin.eventsToHear('jlinc', 0), admin.deadLetters('jlinc', 0)];
      for (const list of lists) await allOf(list);
      await allOf((await admin.runs({ limit: 0 })).runs);
    });
    expect(readFileSync(path).equals(before)).toBe(true);
    const { db } = openJournalFile(path, 'read', systemClock);
    expect(() => db.exec('delete from page')).toThrow('readonly');
    db.close();
  });

  test('the events that come next, with their attempts and the last error', async () => {
    const { jlinc } = await running(2);
    const [event] = await jlinc.read(1);
    if (event) jlinc.consumer.retry(event, delivery(2, 'TIMEOUT'));
    const first = () => withAdmin((admin) => allOf(admin.eventsToHear('jlinc', 2)));
    await vi.waitUntil(async () => (await first())[0]?.state === 'retry', PATIENCE);
    expect(await first()).toMatchObject([
      {
        event: { eventId: A[2], link: 'tag' },
        state: 'retry',
        attempts: 2,
        errorType: 'TIMEOUT',
        since: 1_000,
      },
      { event: { eventId: A[3] }, state: 'waiting', attempts: 0, errorType: undefined },
    ]);
    expect(await idsToHear()).toEqual([...A.slice(2), ...B]);
  });

  test('dead letters, the oldest first, as many as are wanted', async () => {
    await running(6);
    const letters = (limit: number) =>
      withAdmin(async (admin) =>
        (await allOf(admin.deadLetters('jlinc', limit))).map(({ event }) => event.eventId),
      );
    expect(await letters(0)).toEqual([...A, ...B.slice(0, 2)]);
    expect(await letters(3)).toEqual(A.slice(0, 3));
  });

  test('a log longer than a page, all of it', async () => {
    const journal = await openJournal(path);
    reader(journal, 'jlinc');
    const events = Array.from({ length: 400 }, (_, i) =>
      runEvents({ id: i.toString(16).padStart(16, '0') }),
    ).flat();
    await journal.append(events);
    expect(await idsToHear()).toEqual(ids(events));
  });
});

describe('dead letters that are asked for again', () => {
  const again = (choice: Choice) => withAdmin((admin) => admin.retry('jlinc', choice));

  test('are given to the tracer by the service that runs, with all attempts before them', async () => {
    const { jlinc } = await running(8);
    expect(await again({ of: 'dead' })).toEqual({ changed: 8, left: 0 });
    const events = await jlinc.read(8);
    expect(ids(events)).toEqual([...A, ...B]);
    for (const event of events) {
      expect(jlinc.consumer.attemptsAt(event)).toBeUndefined();
      jlinc.consumer.settle(event, 'ok', delivery(1));
    }
    await vi.waitUntil(async () => (await stats('jlinc')).ok === 8, PATIENCE);
    expect(await stats('jlinc')).toMatchObject({ depth: 0, queued: 0, deadLetters: 0 });
  });

  test('are given to it by the next service, where none runs', async () => {
    const { journal } = await running(8);
    await journal.close();
    await again({ of: 'vcon', uuid: OTHER_VCON });
    expect(await idsToHear()).toEqual(B);
    const next = reader(await openJournal(path), 'jlinc');
    expect(ids(await next.read(4))).toEqual(B);
  });

  test('are chosen by the id of an event or of a run; others are left alone', async () => {
    const { journal } = await running(5);
    await journal.close();
    const [first = ''] = A;
    expect(await again({ of: 'ids', ids: [first, first, B[3] ?? ''] })).toEqual({ changed: 1, left: 1 });
    expect(await again({ of: 'ids', ids: ['a'.padEnd(16, '0')] })).toEqual({ changed: 3, left: 1 });
    expect(await stats('jlinc')).toMatchObject({ queued: 4, deadLetters: 1, depth: 7 });
  });

  test('by an id that is not there are an error, and nothing is changed', async () => {
    const { journal } = await running(5);
    await journal.close();
    await expect(again({ of: 'ids', ids: [A[0] ?? '', 'none/chain/start'] })).rejects.toMatchObject({
      code: 'OPTIONS_INVALID',
      message: 'the journal has no event or run none/chain/start',
    });
    expect(await stats('jlinc')).toMatchObject({ queued: 0, deadLetters: 5 });
  });
});

describe('events that are skipped', () => {
  const skipped = (choice: Choice) => withAdmin((admin) => admin.skip('jlinc', choice));

  test('are taken out of the hand of a tracer, and not given to it later', async () => {
    const { jlinc, skipped: told } = await running(0);
    await jlinc.read(2);
    expect(await skipped({ of: 'ids', ids: [A[1] ?? '', B[0] ?? ''] })).toEqual({ changed: 2, left: 0 });
    await vi.waitUntil(() => told.length > 0, PATIENCE);
    expect(told).toEqual([A[1]]);
    expect(ids(await jlinc.read(5))).toEqual([A[2], A[3], ...B.slice(1)]);
    expect(await stats('jlinc')).toMatchObject({ skipped: 2, depth: 6 });
  });

  test('are no dead letters any more, and nothing that was delivered', async () => {
    const { journal, jlinc } = await running(3);
    const [event] = await jlinc.read(1);
    if (event) jlinc.consumer.settle(event, 'ok', delivery(1));
    await journal.close();
    expect(await skipped({ of: 'dead' })).toEqual({ changed: 3, left: 0 });
    expect(await skipped({ of: 'ids', ids: [A[3] ?? ''] })).toEqual({ changed: 0, left: 1 });
    expect(await stats('jlinc')).toMatchObject({ deadLetters: 0, skipped: 3, ok: 1, depth: 4 });
  });

  test('of before the tracer had its place are left as they are', async () => {
    const { journal } = await running(0);
    reader(journal, 'late');
    await vi.waitUntil(() => withAdmin(async (admin) => (await admin.tracers()).includes('late')), PATIENCE);
    await journal.close();
    const choice: Choice = { of: 'ids', ids: A };
    expect(await withAdmin((admin) => admin.skip('late', choice))).toEqual({ changed: 0, left: 4 });
  });
});

describe('a replay', () => {
  test('to a tracer that is new gives it a place, and the past', async () => {
    const { journal } = await running(0);
    await journal.close();
    expect(await plan({ tracer: 'new' })).toEqual({ events: 8, waiting: 0, isNew: true });
    expect(await withAdmin((admin) => admin.tracers())).not.toContain('new');
    expect((await replayed({ tracer: 'new' })).look).toMatchObject({ queued: 8, ok: 0 });
    const next = await openJournal(path);
    const added = reader(next, 'new');
    const [more] = runEvents({ id: 'c' });
    if (more) await next.append([more]);
    // What is new need not wait for what is asked for again.
    const heard = ids(await added.read(9));
    expect(heard.filter((id) => id !== more?.eventId)).toEqual([...A, ...B]);
    expect(heard).toContain(more?.eventId);
  });

  test('queues what was delivered, failed or skipped, and not what is still to be heard', async () => {
    const { journal, jlinc } = await running(2);
    const [third] = await jlinc.read(1);
    if (third) jlinc.consumer.settle(third, 'ok', delivery(1));
    await vi.waitUntil(async () => (await stats('jlinc')).ok === 1, PATIENCE);
    await journal.close();
    expect(await plan()).toEqual({ events: 3, waiting: 5, isNew: false });
    expect((await replayed({})).look.queued).toBe(3);
    expect(await stats('jlinc')).toMatchObject({ queued: 3, depth: 8, deadLetters: 0 });
    expect((await replayed({})).look.queued).toBe(0);
  });

  test('takes events from a time on, before a time, or of a vCon', async () => {
    const { journal } = await running(8);
    await journal.close();
    const events = async (aim: Partial<ReplayAim>) => (await plan({ tracer: 'x', ...aim })).events;
    expect(await events({ since: NOON + 40 })).toBe(6);
    expect(await events({ until: NOON + 40 })).toBe(2);
    expect(await events({ since: NOON + 10, until: NOON + 100 })).toBe(2);
    expect(await events({ vcon: OTHER_VCON })).toBe(4);
    expect(await events({ vcon: 'unknown' })).toBe(0);
    await replayed({ vcon: OTHER_VCON, until: NOON + 3_600_040 });
    expect(await idsToHear()).toEqual(B.slice(0, 2));
  });

  test('finds a vCon that a link has made', async () => {
    const journal = await openJournal(path);
    await journal.append([...runEvents({ id: 'a', out: OTHER_VCON }), ...runEvents({ id: 'c' })]);
    await journal.close();
    expect((await plan({ tracer: 'x', vcon: OTHER_VCON })).events).toBe(4);
  });

  test('goes in steps of 500 events at most, beside a service that goes on writing', async () => {
    const journal = await openJournal(path);
    const jlinc = reader(journal, 'jlinc');
    const many = (from: string) =>
      Array.from({ length: 300 }, (_, i) =>
        runEvents({ id: from + i.toString(16).padStart(15, '0') }),
      ).flat();
    await journal.append(many('a'));
    for (const event of await jlinc.read(1_200)) jlinc.consumer.settle(event, 'ok', delivery(1));
    await vi.waitUntil(async () => (await stats('jlinc')).ok === 1_200, PATIENCE);
    const [{ steps }] = await Promise.all([replayed({}), journal.append(many('b'))]);
    expect(steps).toEqual([500, 1_000, 1_200]);
    const heard = ids(await jlinc.read(2_400));
    expect(new Set(heard).size).toBe(2_400);
    expect(jlinc.consumer.depth).toBe(2_400);
  });

  test('tells what became of its events and of no others', async () => {
    const { jlinc } = await running(4);
    await withAdmin(async (admin) => {
      const replay = await admin.replay(aimOf({ vcon: VCON }));
      await toTheEnd(replay);
      const events = await jlinc.read(8);
      const byId = new Map(events.map((event) => [event.eventId, event]));
      const [one, two, three, four] = A.map((id) => byId.get(id));
      if (!one || !two || !three || !four) throw new Error('too few events');
      jlinc.consumer.settle(one, 'ok', delivery(1));
      jlinc.consumer.settle(two, 'dead', delivery(1, 'HTTP_400'));
      jlinc.consumer.settle(three, 'unheard');
      jlinc.consumer.retry(four, delivery(1, 'TIMEOUT'));
      for (const id of B) {
        const event = byId.get(id);
        if (event) jlinc.consumer.settle(event, 'ok', delivery(1));
      }
      await vi.waitUntil(async () => (await replay.look()).retrying === 1, PATIENCE);
      expect(await replay.look()).toEqual({
        queued: 0,
        retrying: 1,
        ok: 1,
        dead: 1,
        skipped: 1,
        dropped: 0,
        gone: 0,
      });
    });
  });
});

describe('the runs of a journal', () => {
  test('come in the order in which they began, with what became of them at each tracer', async () => {
    const { journal } = await running(5);
    reader(journal, 'late');
    await vi.waitUntil(() => withAdmin(async (admin) => (await admin.tracers()).includes('late')), PATIENCE);
    const runs = await withAdmin(async (admin) => allOf((await admin.runs({ limit: 0 })).runs));
    expect(runs.map(({ events }) => ids(events))).toEqual([A, B]);
    expect(runs[1]?.deliveries.map(({ tracer, state, attempts }) => [tracer, state, attempts])).toEqual([
      ['jlinc', 'dead', 5],
      ['jlinc', 'waiting', 0],
      ['jlinc', 'waiting', 0],
      ['jlinc', 'waiting', 0],
    ]);
  });

  test('are the most recent ones, or those of a vCon by the beginning of its uuid', async () => {
    await running(0);
    const found = (filter: RunFilter) =>
      withAdmin(async (admin) => {
        const { older, runs } = await admin.runs(filter);
        return [older, (await allOf(runs)).map(({ events }) => events[0]?.runId.slice(0, 1))];
      });
    expect(await found({ limit: 1 })).toEqual([true, ['b']]);
    expect(await found({ limit: 2 })).toEqual([false, ['a', 'b']]);
    expect(await found({ limit: 0, vcon: OTHER_VCON.toUpperCase() })).toEqual([false, ['b']]);
    expect(await found({ limit: 0, vcon: 'ffff' })).toEqual([false, []]);
    expect(await found({ limit: 0, vcon: '%' })).toEqual([false, []]);
    await expect(found({ limit: 0, vcon: VCON.slice(0, 20) })).rejects.toMatchObject({
      code: 'OPTIONS_INVALID',
    });
  });
});

describe('what is refused, in one sentence', () => {
  const refusal = () =>
    withAdmin((admin) => admin.tracers()).then(
      () => 'nothing',
      ({ code, message }) => `${code} ${message}`,
    );

  test('a journal that is not there, which is not made', async () => {
    expect(await refusal()).toBe(`FILE_UNUSABLE there is no journal ${path}`);
    expect(readdirSync(join(path, '..'))).toEqual([]);
  });

  test('a folder', async () => {
    path = join(path, '..');
    expect(await refusal()).toBe(`FILE_UNUSABLE ${path} is not a file`);
  });

  test('a file that is no database, and an empty one', async () => {
    writeFileSync(path, 'no database, but more than a hundred characters of text. '.repeat(20));
    expect(await refusal()).toBe(`FILE_UNUSABLE ${path} is no journal`);
    writeFileSync(path, '');
    expect(await refusal()).toBe(`FILE_UNUSABLE ${path} is no journal`);
  });

  test("another program's database", async () => {
    const db = new DatabaseSync(path);
    db.exec('create table event (seq integer primary key); pragma user_version = 1');
    db.close();
    expect(await refusal()).toBe(`FILE_UNUSABLE ${path} is no journal`);
  });

  test('a journal of a newer schema, or of an older one', async () => {
    await (await openJournal(path)).close();
    const db = new DatabaseSync(path);
    db.exec('pragma user_version = 99');
    db.close();
    expect(await refusal()).toMatch(
      / has schema 99, this version of vcon-otel knows \d+: use the version that wrote it$/,
    );
    expect(schemaFault(1, 2)).toBe(
      'has schema 1, an older one: a service of this version brings it to schema 2 when it starts',
    );
    expect(schemaFault(2, 2)).toBeUndefined();
  });
});
