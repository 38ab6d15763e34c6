import { existsSync } from 'node:fs';
import { VconOtelError } from '../../../model/error.ts';
import { LOOKING, takeExclusively } from '../../../model/exclusive-file.ts';
import { followLinks, inodeOf } from './file.ts';

/** What a service holds as long as it has a journal open. */
export interface Lock {
  /** Whether it still keeps others off: not once the locked file was deleted or replaced. */
  holds(): boolean;
  release(): void;
}

/**
 * Keeps a second service off a journal: an exclusive lock on a file beside it. The journal itself stays open to
 * the command line.
 * @throws VconOtelError `JOURNAL_IN_USE`
 */
export function lock(path: string): Lock {
  const file = lockFileOf(path);
  const release = takeExclusively(file, LOOKING);
  if (!release) throw new VconOtelError('JOURNAL_IN_USE', `the journal ${path} is in use by another process`);
  const inode = inodeOf(file);
  return { holds: () => inodeOf(file) === inode, release };
}

/** Whether a service has the journal open. */
export function isLocked(path: string): boolean {
  const file = lockFileOf(path);
  if (!existsSync(file)) return false;
  const release = takeExclusively(file, 0);
  release?.();
  return release === undefined;
}

function lockFileOf(path: string): string {
  return `${followLinks(path)}.lock`;
}
