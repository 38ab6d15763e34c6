import { closeSync, openSync, statSync } from 'node:fs';

//  Whatever we make is its owner's alone: uuids, names and outcomes are nobody else's business, and whoever can read a file can
//  lock it.

/** Permissions of every file that is made. */
export const PRIVATE_FILE = 0o600;
/** Permissions of every folder that is made. */
export const PRIVATE_FOLDER = 0o700;

/**
 * Makes a file that is missing, before SQLite would make it for everybody; what SQLite puts beside a database gets the permissions of
 * the database. One that is there is not opened: closing it would release this process's locks.
 * @throws the system's error
 */
export function makePrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', PRIVATE_FILE));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Which of some files and folders others may read or write, a sentence each that says what to do. What is not there is not looked at. */
export function exposures(paths: readonly string[]): string[] {
  return [...new Set(paths)].flatMap((path) => {
    const found = statusOf(path);
    if (!found) return [];
    const [own, command] = found.isDirectory() ? [PRIVATE_FOLDER, '700'] : [PRIVATE_FILE, '600'];
    const mode = found.mode & 0o777;
    if ((mode & ~own & OTHERS) === 0) return [];
    return [`${path} is open to others (${mode.toString(8).padStart(4, '0')}): chmod ${command} ${path}`];
  });
}

const OTHERS = 0o077;

function statusOf(path: string) {
  // There, the bits say nothing.
  if (process.platform === 'win32') return undefined;
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // Who cannot even look will hear of it from whoever opens it.
    return undefined;
  }
}
