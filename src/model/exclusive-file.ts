import { DatabaseSync } from 'node:sqlite';
import { isBusy } from './sqlite-error.ts';

/**
 * Takes a file that one process may have at a time, by SQLite's exclusive lock: the system takes it back when the process
 * ends, however it ends. The file is made where it is missing, and stays empty.
 * @param patience milliseconds to wait for whoever has it
 * @returns what lets go of it; undefined where somebody else has it
 * @throws SQLite's own errors where the file cannot be used
 */
export function takeExclusively(path: string, patience: number): (() => void) | undefined {
  const database = new DatabaseSync(path, { timeout: patience });
  try {
    // No file of its own beside the lock.
    database.exec('pragma journal_mode = memory');
    database.exec('begin exclusive');
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
  return () => database.close();
}

/** Milliseconds that a service waits for the command line to have looked whether there is one. */
export const LOOKING = 500;
