import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { errorType, VconOtelError } from '../model/error.ts';

/**
 * Keeps a second process off a ledger: an exclusive SQLite lock on a file in its directory, which the system takes back
 * when the process ends, however it ends.
 * @param patience milliseconds to wait for whoever has it
 * @returns what lets go of it
 * @throws VconOtelError `LEDGER_IN_USE`, or `FILE_UNUSABLE` where the directory cannot be written
 */
export function lockLedger(directory: string, patience = PATIENCE): () => void {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(join(directory, LOCK_FILE), { timeout: patience });
    db.exec('pragma journal_mode = memory');
    db.exec('begin exclusive');
  } catch (cause) {
    db?.close();
    const busy = isBusy(cause);
    throw new VconOtelError(
      busy ? 'LEDGER_IN_USE' : 'FILE_UNUSABLE',
      busy ? 'another process has this ledger open' : `the ledger cannot be locked (${errorType(cause)})`,
      { cause },
    );
  }
  const held = db;
  return () => held.close();
}

/** Whether a process has the ledger open. */
export function isLedgerInUse(directory: string): boolean {
  if (!existsSync(join(directory, LOCK_FILE))) return false;
  try {
    lockLedger(directory, 0)();
    return false;
  } catch (error) {
    return error instanceof VconOtelError && error.code === 'LEDGER_IN_USE';
  }
}

const LOCK_FILE = 'lock';
/** Milliseconds that a service waits for the command line to have looked whether there is one. */
const PATIENCE = 500;

/** SQLITE_BUSY and SQLITE_LOCKED (SQLite result codes). */
function isBusy(error: unknown): boolean {
  const code = (error as { errcode?: unknown }).errcode;
  return typeof code === 'number' && ((code & 0xff) === 5 || (code & 0xff) === 6);
}
