import type { JournalFile } from './journal-file.ts';

/** Rows that are changed in one transaction: the service waits for some milliseconds. */
export const STEP = 500;
/** Milliseconds between two transactions, in which the service can make its own. */
const BREATH = 5;
/** Transactions from which on the write-ahead log is worked into the file. */
const CHECKPOINT = 32;

/** Does something as a whole or not at all, then lets the service have a turn. */
export async function step<T>(file: JournalFile, work: () => T): Promise<T> {
  const { db } = file;
  db.exec('begin immediate');
  let result: T;
  try {
    result = work();
    db.exec('commit');
  } catch (error) {
    if (db.isTransaction) db.exec('rollback');
    throw error;
  }
  file.steps += 1;
  if (file.steps >= CHECKPOINT) {
    file.steps = 0;
    db.prepare('pragma wal_checkpoint(passive)').get();
  }
  await new Promise<void>((resolve) => file.clock.after(BREATH, resolve));
  return result;
}
