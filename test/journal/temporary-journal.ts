import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { afterEach } from 'vitest';
import type { EventLogState, JournalTrouble } from '../../src/journal/event-log.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { type SqliteJournalSettings, sqliteJournal } from '../../src/journal/sqlite.ts';
import { event } from './contract.ts';
import { storedEvents } from './stored-events.ts';

const cleaning: (() => unknown)[] = [];

afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean();
});

/** Where a journal can be made; removed with its folder after the test. */
export function temporaryPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vcon-otel-journal-'));
  cleaning.push(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'data', 'journal.db');
}

/** A journal, and what it told. */
export interface Opened {
  readonly journal: Journal;
  /** The last that it said of itself. */
  readonly state: () => EventLogState;
  readonly troubles: [JournalTrouble, string][];
}

/** Opens a journal that is closed after the test. */
export async function openJournal(settings: SqliteJournalSettings): Promise<Opened> {
  const journal = await sqliteJournal(settings);
  cleaning.push(() => journal.close());
  const troubles: [JournalTrouble, string][] = [];
  let state: EventLogState = { full: false, room: 0, failing: false, size: undefined };
  journal.observe({
    onState: (news) => {
      state = news;
    },
    onTrouble: (...trouble) => troubles.push(trouble),
  });
  return { journal, state: () => state, troubles };
}

/**
 * Appends events, and waits until they are on disk.
 * @returns the ids of those that were kept already
 */
export async function keep(
  journal: Journal,
  eventIds: readonly string[],
  time = Date.now(),
): Promise<string[]> {
  const repeats = await journal.append(eventIds.map((eventId) => event(eventId, time)));
  return repeats.map((repeat) => repeat.event.eventId);
}

/** So many ids, eight to a run. */
export function eventIds(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, index) => `run${(from + index) >> 3}/${from + index}`);
}

/** Runs a statement in a connection of its own, as the command line does. */
export function query(path: string, sql: string, ...values: SQLInputValue[]): Record<string, unknown>[] {
  const db = new DatabaseSync(path, { timeout: 60_000 });
  try {
    return db.prepare(sql).all(...values);
  } finally {
    db.close();
  }
}

/** What an operator's command writes: that events are to be heard again, or not at all. */
export function decide(
  path: string,
  consumer: string,
  state: 'queued' | 'skipped',
  ids: readonly string[],
): void {
  const db = new DatabaseSync(path, { timeout: 60_000 });
  const wanted = new Set(ids);
  const seqs = storedEvents(db).flatMap(({ seq, event }) => (wanted.has(event.eventId) ? [seq] : []));
  db.prepare(
    `insert into delivery (consumer, seq, state, attempts, since, at, duration)
     select c.consumer, e.value, ?, 0, ?, ?, 0 from json_each(?) e join consumer c where c.name = ?
     on conflict do update set state = excluded.state, attempts = 0, since = excluded.since, at = excluded.at`,
  ).run(state, Date.now(), Date.now(), JSON.stringify(seqs), consumer);
  db.close();
}

/** Copies a journal that is open to what a process that is killed now would leave. */
export function crashed(path: string): string {
  const copy = temporaryPath();
  // By another process: this one would lose its locks on the file when it closes it.
  execFileSync('sh', [
    '-c',
    'mkdir -p "$1" && cp "$0" "$2" && cp "$0-wal" "$2-wal"',
    path,
    dirname(copy),
    copy,
  ]);
  return copy;
}
