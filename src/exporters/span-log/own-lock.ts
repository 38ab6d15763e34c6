import { dirname } from 'node:path';
import type { Clock } from '../../model/clock.ts';
import { VconOtelError } from '../../model/error.ts';
import { type FileLock, lockFile } from '../../persistence/file-lock.ts';

/** Milliseconds that a process before this one has to end, and between two looks whether it has. */
const ENDING = 15_000;
const LOOK = 100;

/** The file by which the log of spans in a folder is locked. */
export const LOCK = 'lock';

/** Locks the log of spans in a folder. @throws VconOtelError `JOURNAL_IN_USE`, `FILE_UNUSABLE`; the system's error */
export async function ownLock(path: string, clock: Clock): Promise<FileLock> {
  for (const until = clock.elapsed() + ENDING; clock.elapsed() < until; ) {
    const lock = lockFile(path);
    if (lock) return lock;
    await new Promise<void>((resolve) => clock.after(LOOK, resolve));
  }
  throw new VconOtelError('JOURNAL_IN_USE', `another process keeps spans in ${dirname(path)}`);
}
