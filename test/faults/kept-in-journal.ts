import { DatabaseSync } from 'node:sqlite';
import { setImmediate as turn } from 'node:timers/promises';
import type { JournalTrouble } from '../../src/journal/journal.ts';
import { sqliteJournal } from '../../src/journal/sqlite.ts';

/** What a journal still has. */
export interface Kept {
  /** Ids of the events in the file, in its order. */
  readonly stored: readonly string[];
  /** Ids of the events that a consumer has still to hear, in the order in which it is given them. */
  readonly given: readonly string[];
  readonly troubles: readonly JournalTrouble[];
}

/** Opens a journal as a service would, lets a consumer read what it has still to hear, and closes it; settles nothing. */
export async function keptInJournal(path: string, consumer: string): Promise<Kept> {
  const journal = await sqliteJournal({ path });
  const troubles: JournalTrouble[] = [];
  journal.listen({ onRepeat: () => {}, onTrouble: (trouble) => troubles.push(trouble) });
  const { promise: readable, resolve } = Promise.withResolvers<void>();
  const reader = journal.consumer(consumer, { onReadable: resolve, onDrop: () => {}, onSkip: () => {} });
  await readable;
  const given: string[] = [];
  do {
    given.push(...reader.read(1_000).map(({ eventId }) => eventId));
    await turn();
  } while (reader.unread > 0);
  await journal.close();
  return { stored: storedIds(path), given, troubles };
}

/** Ids of the events in a journal's file, in its order. */
export function storedIds(path: string): string[] {
  const db = new DatabaseSync(path);
  const rows = db
    .prepare(`select run_id || '/' || step as id from event join run using (run) order by seq`)
    .all();
  db.close();
  return rows.map(({ id }) => String(id));
}
