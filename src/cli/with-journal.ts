import { loadConfig } from '../config/load-config.ts';
import type { JournalAdmin } from '../journal/admin.ts';
import { openFileAdmin, openJournalAdmin } from '../journal/open-admin.ts';
import { VconOtelError } from '../model/error.ts';
import type { JournalPlace } from './arguments.ts';

/**
 * Does something with the administration of a journal: of the file that a command was told, or as a configuration says, or where
 * `serve` has it by default.
 * @throws ConfigError; VconOtelError `OPTIONS_INVALID` where the configuration's journal is in memory
 */
export async function withJournal<T>(
  place: JournalPlace,
  work: (journal: JournalAdmin) => Promise<T>,
): Promise<T> {
  const journal = await open(place);
  try {
    return await work(journal);
  } finally {
    await journal.close();
  }
}

async function open({ journal, config: file }: JournalPlace): Promise<JournalAdmin> {
  if (journal !== undefined) return openFileAdmin(journal);
  // Without a file the defaults are those of `serve`, whatever the environment says.
  const { config } = await (file === undefined ? loadConfig(undefined, {}) : loadConfig(file));
  const admin = await openJournalAdmin(config.journal);
  if (admin) return admin;
  throw new VconOtelError(
    'OPTIONS_INVALID',
    `${file} keeps its journal in memory: only one of type sqlite can be read from outside`,
    { path: 'journal.type' },
  );
}
