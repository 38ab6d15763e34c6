import { DatabaseSync } from 'node:sqlite';
import { setImmediate as turn } from 'node:timers/promises';
import type { JournalTrouble } from '../../src/journal/event-log.ts';
import { sqliteJournal } from '../../src/journal/sqlite.ts';
import { storedEvents } from '../journal/stored-events.ts';

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
  journal.observe({ onTrouble: (trouble) => troubles.push(trouble) });
  let unread = 0;
  const reader = await journal.consumer(consumer, {
    onReadable: () => {},
    onCounts: (counts) => {
      unread = counts.unread;
    },
    onDrop: () => {},
    onSkip: () => {},
  });
  const given: string[] = [];
  do {
    const { events } = await reader.read(1_000);
    given.push(...events.map(({ eventId }) => eventId));
    await turn();
  } while (unread > 0);
  await journal.close();
  return { stored: storedIds(path), given, troubles };
}

/** Ids of the events in a journal's file, in its order. */
function storedIds(path: string): string[] {
  const db = new DatabaseSync(path);
  const events = storedEvents(db);
  db.close();
  return events.map(({ event }) => event.eventId);
}
