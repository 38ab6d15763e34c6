import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { VconOtelError } from '../../../model/error.ts';
import { isBusy } from '../../../model/sqlite-error.ts';
import { followLinks, inodeOf } from './file.ts';

/** What a service holds as long as it has a journal open. */
export interface Lock {
  /** Whether it still keeps others off: not once the locked file was deleted or replaced. */
  holds(): boolean;
  release(): void;
}

/**
 * Keeps a second service off a journal: an exclusive lock on a file beside it, which the system takes back when the
 * process ends, however it ends. The journal itself stays open to the command line.
 * @throws VconOtelError `JOURNAL_IN_USE`
 */
export function lock(path: string): Lock {
  return take(path, PATIENCE);
}

/** Whether the file that is locked is there. */
export function isLockFile(path: string): boolean {
  return existsSync(lockFileOf(path));
}

/** Whether a service has the journal open. */
export function isLocked(path: string): boolean {
  if (!isLockFile(path)) return false;
  try {
    take(path, 0).release();
    return false;
  } catch (error) {
    if (error instanceof VconOtelError) return true;
    throw error;
  }
}

/** Milliseconds that a service waits for the command line to have looked whether there is one. */
const PATIENCE = 500;

function take(path: string, timeout: number): Lock {
  const file = lockFileOf(path);
  const db = new DatabaseSync(file, { timeout });
  try {
    // No file of its own beside the lock.
    db.exec('pragma journal_mode = memory');
    db.exec('begin exclusive');
  } catch (cause) {
    db.close();
    if (!isBusy(cause)) throw cause;
    throw new VconOtelError('JOURNAL_IN_USE', `the journal ${path} is in use by another process`, { cause });
  }
  const inode = inodeOf(file);
  return { holds: () => inodeOf(file) === inode, release: () => db.close() };
}

function lockFileOf(path: string): string {
  return `${followLinks(path)}.lock`;
}
