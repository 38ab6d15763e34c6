import { resolve } from 'node:path';
import { type Clock, systemClock } from '../model/clock.ts';
import type { OnFull } from './event-log.ts';
import type { Journal } from './journal.ts';
import { folderBeside } from './sqlite/beside.ts';
import { SqliteJournal } from './sqlite/journal.ts';
import type { Notice } from './sqlite/messages.ts';
import { WriterThread } from './sqlite/writer-thread.ts';

export interface SqliteJournalSettings {
  /** The database file; made, with its folder, where it is missing. */
  readonly path: string;
  /** Milliseconds that events which everybody has heard are kept. Default 24 hours. */
  readonly retention?: number;
  /** Bytes that the file may take. Events that everybody has heard make room before their time. Default 1 GiB. */
  readonly maxSize?: number;
  /** Default `block`. */
  readonly onFull?: OnFull;
  /**
   * Milliseconds after the start from which on a consumer that has not come (back) counts as gone, and what it has not
   * heard may be removed in its time. Default one minute.
   */
  readonly patience?: number;
  /** Default: the machine's own. */
  readonly clock?: Clock;
}

/**
 * A {@link Journal} in a SQLite file: a batch is durable with the next transaction, which is synchronised with the disk in a
 * thread of its own.
 * @throws VconOtelError `FILE_UNUSABLE`; `JOURNAL_IN_USE` where another process has it open
 */
export async function sqliteJournal(settings: SqliteJournalSettings): Promise<Journal> {
  const { retention = 86_400_000, maxSize = 1_073_741_824, onFull = 'block', patience = 60_000 } = settings;
  const { clock = systemClock } = settings;
  const path = resolve(settings.path);
  const notices: Notice[] = [];
  let hear = (notice: Notice): void => void notices.push(notice);
  const thread = new WriterThread({ path, retention, maxSize, patience }, clock, (notice) => hear(notice));
  const beside = { folder: folderBeside(path), retention, maxSize };
  const journal = new SqliteJournal(thread, await thread.start(), { onFull, maxSize, beside, clock });
  hear = (notice) => journal.hear(notice);
  for (const notice of notices) journal.hear(notice);
  return journal;
}
