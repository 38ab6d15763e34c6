import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { PRIVATE_FOLDER } from './private-file.ts';

/**
 * Makes a folder, and the folders above it that are missing, for its owner alone. By hand, because Node's `recursive` never comes back where the
 * system says that a folder above does not exist and does not let one be made either, such as below `/proc`.
 * @returns the highest one that was made; undefined where the folder was there
 * @throws the system's error
 */
export function makeFolder(folder: string): string | undefined {
  const path = resolve(folder);
  if (isFolder(path)) return undefined;
  const above = dirname(path);
  const first = above === path ? undefined : makeFolder(above);
  try {
    mkdirSync(path, { mode: PRIVATE_FOLDER });
  } catch (error) {
    // Another process was faster.
    if (!isFolder(path)) throw error;
    return first;
  }
  return first ?? path;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
