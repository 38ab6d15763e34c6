import { VconOtelError } from '../../../model/error.ts';
import { type FileLock, isFileLocked, lockFile } from '../../../persistence/file-lock.ts';
import { followLinks } from './file.ts';

/**
 * Keeps a second service off a journal: a lock on a file beside it. The journal itself stays open to the command line.
 * @throws VconOtelError `JOURNAL_IN_USE`
 */
export function lock(path: string): FileLock {
  const held = lockFile(lockFileOf(path));
  if (!held) throw new VconOtelError('JOURNAL_IN_USE', `the journal ${path} is in use by another process`);
  return held;
}

/** Whether a service has the journal open. */
export function isLocked(path: string): boolean {
  return isFileLocked(lockFileOf(path));
}

function lockFileOf(path: string): string {
  return `${followLinks(path)}.lock`;
}
