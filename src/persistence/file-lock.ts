import { existsSync, statSync } from 'node:fs';
import { makePrivateFile } from './private-file.ts';
import { isBusy } from './sqlite-error.ts';

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
 * @throws the system's error, or SQLite's own, if the file cannot be used
 */
export function lockFile(path: string): FileLock | undefined {
  makePrivateFile(path);
  const release = take(path, PATIENCE);
  if (!release) return undefined;
  const inode = inodeOf(path);
  return { holds: () => inodeOf(path) === inode, release };
}

/** Whether a file is locked. @throws as {@link lockFile} */
export function isFileLocked(path: string): boolean {
  if (!existsSync(path)) return false;
  const release = take(path, 0);
  release?.();
  return release === undefined;
}

function take(path: string, patience: number): (() => void) | undefined {
  // Where nothing is locked it is not loaded: Node.js 22 warns of it.
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
  const database = new DatabaseSync(path, { timeout: patience });
  try {
    // Creates no file beside the lock.
    database.exec('pragma journal_mode = memory');
    database.exec('begin exclusive');
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
  return () => database.close();
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}
