import { existsSync, statSync } from 'node:fs';
import type { DatabaseSync as Database } from 'node:sqlite';
import { errorType, VconOtelError } from '../model/error.ts';
import { requirePlainFile } from './plain-file.ts';
import { makePrivateFile } from './private-file.ts';
import { isBusy, sqliteCode } from './sqlite-error.ts';

/** A file that only this process has locked. */
export interface FileLock {
  /** Whether it still keeps others out: not once the file has been deleted or replaced. */
  holds(): boolean;
  release(): void;
}

/** Milliseconds to wait for another process that only checks whether the file is locked. */
const PATIENCE = 500;

/**
 * Locks a file with SQLite's exclusive lock, which the system releases when the process ends, however it ends. Creates a
 * missing file, which stays empty.
 * @returns undefined if the file is locked already
 * @throws VconOtelError `FILE_UNUSABLE` if the file is none of ours; the system's error
 */
export function lockFile(path: string): FileLock | undefined {
  requirePlainFile(path);
  makePrivateFile(path);
  const release = take(path, PATIENCE);
  if (!release) return undefined;
  const inode = inodeOf(path);
  return { holds: () => inodeOf(path) === inode, release };
}

/** Whether a file is locked. @throws as {@link lockFile} */
export function isFileLocked(path: string): boolean {
  requirePlainFile(path);
  if (!existsSync(path)) return false;
  const release = take(path, 0);
  release?.();
  return release === undefined;
}

function take(path: string, patience: number): (() => void) | undefined {
  // Where nothing is locked it is not loaded: Node.js 22 warns of it.
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
  let database: Database | undefined;
  try {
    const opened = new DatabaseSync(path, { timeout: patience });
    database = opened;
    // Creates no file beside the lock.
    opened.exec('pragma journal_mode = memory');
    opened.exec('begin exclusive');
    return () => opened.close();
  } catch (cause) {
    database?.close();
    if (isBusy(cause)) return undefined;
    const why = sqliteCode(cause) ?? errorType(cause);
    throw new VconOtelError(
      'FILE_UNUSABLE',
      `the lock file ${path} cannot be used (${why}): remove it, if nothing has it open`,
      { cause },
    );
  }
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}
