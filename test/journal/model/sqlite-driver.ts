import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'vitest';
import type { Choice, JournalAdmin } from '../../../src/journal/admin.ts';
import { openFileAdmin } from '../../../src/journal/open-admin.ts';
import { sqliteJournal } from '../../../src/journal/sqlite.ts';
import { allOf } from '../../support/all-of.ts';
import { storedEvents } from '../stored-events.ts';
import { storedInputs } from '../stored-inputs.ts';
import type { Decision, JournalDriver, Kept, KeptConsumer } from './driver.ts';
import { serialOf, timeOf } from './serial-events.ts';

export function sqliteDriver(): JournalDriver {
  const folder = mkdtempSync(join(tmpdir(), 'vcon-otel-model-'));
  let crashes = 0;
  let path = join(folder, '0', 'journal.db');
  return {
    open: () => sqliteJournal({ path }),
    lasting: {
      crash() {
        crashes += 1;
        const copy = join(folder, String(crashes), 'journal.db');
        copyCrashed(path, copy);
        path = copy;
      },
      look: () => withAdmin(path, (admin) => look(path, admin)),
      decide: (decision) => withAdmin(path, (admin) => decide(admin, decision)),
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/**
 * Copies what a process that is killed now would leave: the file and its write-ahead log, each as it stands.
 *
 * They are copied one after the other, and must not change between. Whoever holds the lock of a writer keeps the log from
 * growing and, as it reads too, from beginning anew; a checkpoint meanwhile could copy into the file only what is in the
 * log still. So it is as if the process had been killed between two transactions; one that was not committed would be
 * passed over anyway. What the main thread has handed to the writer, or not yet, is lost, as it would be.
 *
 * To close a copied file takes this process's locks on it away. Nobody else wants it: its journal is thrown away.
 */
function copyCrashed(path: string, copy: string): void {
  mkdirSync(dirname(copy));
  const db = new DatabaseSync(path, { timeout: 60_000 });
  try {
    db.exec('begin immediate; select count(*) from page');
    for (const end of ['', '-wal']) if (existsSync(path + end)) copyFileSync(path + end, copy + end);
    db.exec('rollback');
  } finally {
    db.close();
  }
}

async function withAdmin<T>(path: string, work: (admin: JournalAdmin) => Promise<T>): Promise<T> {
  const admin = await openFileAdmin(path);
  try {
    return await work(admin);
  } finally {
    await admin.close();
  }
}

async function look(path: string, admin: JournalAdmin): Promise<Kept> {
  const db = new DatabaseSync(path, { timeout: 60_000 });
  const events = storedEvents(db);
  const inputs = storedInputs(db);
  db.close();
  const consumers = new Map<string, KeptConsumer>();
  for (const name of await admin.tracers()) consumers.set(name, await lookAt(admin, name));
  return {
    log: events.map(({ event }) => serialOf(event.time)),
    inputs: inputs.map((body) => Buffer.from(body).toString()),
    consumers,
  };
}

async function lookAt(admin: JournalAdmin, name: string): Promise<KeptConsumer> {
  const toHear = await allOf(admin.eventsToHear(name, 0));
  const dead = await allOf(admin.deadLetters(name, 0));
  expect(await admin.stats(name)).toMatchObject({
    depth: toHear.length,
    deadLetters: dead.length,
    oldest: toHear[0]?.event.time,
  });
  return {
    toHear: toHear.map(({ event, attempts, state }) => ({
      serial: serialOf(event.time),
      attempts,
      again: state === 'queued',
    })),
    dead: dead.map(({ event }) => serialOf(event.time)),
  };
}

async function decide(admin: JournalAdmin, decision: Decision): Promise<void> {
  const { consumer } = decision;
  if (decision.decide === 'replay') {
    const { from, to } = decision;
    const aim = { tracer: consumer, since: timeOf(from), until: timeOf(to), vcon: undefined };
    for await (const _ of (await admin.replay(aim)).queue());
    return;
  }
  const choice: Choice = decision.ids ? { of: 'ids', ids: decision.ids } : { of: 'dead' };
  if (decision.decide === 'again') await admin.retry(consumer, choice);
  else await admin.skip(consumer, choice);
}
