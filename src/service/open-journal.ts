import type { LoadedConfig } from '../config.ts';
import type { Journal } from '../journal/journal.ts';
import { memoryJournal } from '../journal/memory.ts';

/**
 * The journal that a configuration names.
 * @throws VconOtelError `FILE_UNUSABLE`, `JOURNAL_IN_USE`
 */
export async function openJournal({ config, environment }: LoadedConfig): Promise<Journal> {
  const { journal } = config;
  if (journal.type === 'memory')
    return memoryJournal({ capacity: journal.capacity, onFull: journal.on_full });
  // Nothing will come; what is in the file is for a process that hears it.
  if (environment.disabled) return memoryJournal();
  // Loaded only where it is wanted: its thread brings SQLite with it.
  const { sqliteJournal } = await import('../journal/sqlite.ts');
  const { path, retention, max_size: maxSize, on_full: onFull } = journal;
  return sqliteJournal({ path, retention, maxSize, onFull });
}
