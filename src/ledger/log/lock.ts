import { join } from 'node:path';
import { errorType, VconOtelError } from '../../model/error.ts';
import { type FileLock, isFileLocked, lockFile } from '../../persistence/file-lock.ts';

/**
 * Keeps a second process off a ledger.
 * @throws VconOtelError `LEDGER_IN_USE`, or `FILE_UNUSABLE` where the directory cannot be written
 */
export function lockLedger(directory: string): FileLock {
  const lock = take(directory);
  if (!lock) throw new VconOtelError('LEDGER_IN_USE', 'another process has this ledger open');
  return lock;
}

/** Whether a process has the ledger open; one that may not be looked at counts as free. */
export function isLedgerInUse(directory: string): boolean {
  try {
    return isFileLocked(join(directory, LOCK_FILE));
  } catch {
    return false;
  }
}

const LOCK_FILE = 'lock';

function take(directory: string): FileLock | undefined {
  try {
    return lockFile(join(directory, LOCK_FILE));
  } catch (cause) {
    if (cause instanceof VconOtelError) throw cause;
    throw new VconOtelError('FILE_UNUSABLE', `the ledger cannot be locked (${errorType(cause)})`, { cause });
  }
}
