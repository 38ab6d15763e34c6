import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'vitest';
import {
  type Choice,
  type ConsumerPlace,
  consumerOf,
  consumerStats,
  consumersOf,
  deadLetters,
  eventsToHear,
  type JournalFile,
  queueAgain,
  Replay,
  skip,
  withJournalFile,
} from '../../../src/journal/sqlite/operator/index.ts';
import { sqliteJournal } from '../../../src/journal/sqlite.ts';
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
      look: () => withJournalFile(path, 'read', look),
      decide: (decision) => withJournalFile(path, 'write', (file) => decide(file, decision)),
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
  const db = new DatabaseSync(path, { timeout: 5_000 });
  try {
    db.exec('begin immediate; select count(*) from event');
    for (const end of ['', '-wal']) if (existsSync(path + end)) copyFileSync(path + end, copy + end);
    db.exec('rollback');
  } finally {
    db.close();
  }
}

function look(file: JournalFile): Kept {
  const times = file.db.prepare('select time from event order by seq').all();
  return {
    log: times.map(({ time }) => serialOf(Number(time))),
    consumers: new Map(consumersOf(file).map((place) => [place.name, lookAt(file, place)])),
  };
}

function lookAt(file: JournalFile, place: ConsumerPlace): KeptConsumer {
  const toHear = [...eventsToHear(file, place, 0)];
  const dead = [...deadLetters(file, place, 0)];
  expect(consumerStats(file, place)).toMatchObject({
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

async function decide(file: JournalFile, decision: Decision): Promise<void> {
  if (decision.decide === 'replay') {
    const { consumer: tracer, from, to } = decision;
    const replay = new Replay(file, { tracer, since: timeOf(from), until: timeOf(to), vcon: undefined });
    for await (const _ of replay.queue());
    return;
  }
  const place = consumerOf(file, decision.consumer);
  if (!place) throw new Error(`the journal has no place for ${decision.consumer}`);
  const choice: Choice = decision.ids ? { of: 'ids', ids: decision.ids } : { of: 'dead' };
  await (decision.decide === 'again' ? queueAgain : skip)(file, place, choice);
}
