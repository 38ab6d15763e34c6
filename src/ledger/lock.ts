import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { errorType, VconOtelError } from '../model/error.ts';
import { LOOKING, takeExclusively } from '../model/exclusive-file.ts';

/**
 * Keeps a second process off a ledger.
 * @returns what lets go of it
 * @throws VconOtelError `LEDGER_IN_USE`, or `FILE_UNUSABLE` where the directory cannot be written
 */
export function lockLedger(directory: string): () => void {
  const release = take(directory, LOOKING);
  if (!release) throw new VconOtelError('LEDGER_IN_USE', 'another process has this ledger open');
  return release;
}

/** Whether a process has the ledger open; one that may not be looked at counts as free. */
export function isLedgerInUse(directory: string): boolean {
  if (!existsSync(join(directory, LOCK_FILE))) return false;
  try {
    const release = take(directory, 0);
    release?.();
    return release === undefined;
  } catch {
    return false;
  }
}

const LOCK_FILE = 'lock';

function take(directory: string, patience: number): (() => void) | undefined {
  try {
    return takeExclusively(join(directory, LOCK_FILE), patience);
  } catch (cause) {
    throw new VconOtelError('FILE_UNUSABLE', `the ledger cannot be locked (${errorType(cause)})`, { cause });
  }
}
