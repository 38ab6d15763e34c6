import { accessSync, constants, type Stats, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { errorType } from '../model/error.ts';

/**
 * Why a file can neither be written nor created (along with a missing folder), as the system's code (`EACCES`, `ENOTDIR`);
 * undefined if there is no obstacle. Nothing is written to find out.
 */
export function fileObstacle(path: string): string | undefined {
  return obstacle(resolve(path), (found) => (found.isDirectory() ? 'EISDIR' : undefined));
}

/** As {@link fileObstacle}, for a folder in which files will be created. */
export function folderObstacle(path: string): string | undefined {
  return obstacle(resolve(path), (found) => (found.isDirectory() ? undefined : 'ENOTDIR'));
}

function obstacle(path: string, kindFault: (found: Stats) => string | undefined): string | undefined {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found) return path === dirname(path) ? 'ENOENT' : folderObstacle(dirname(path));
    const { W_OK, X_OK } = constants;
    accessSync(path, found.isDirectory() ? W_OK | X_OK : W_OK);
    return kindFault(found);
  } catch (error) {
    return errorType(error);
  }
}
