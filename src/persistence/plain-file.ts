import { statSync } from 'node:fs';
import { VconOtelError } from '../model/error.ts';

/**
 * Refuses what stands in the place of a file and is none, before it is opened: reading a folder fails with a code that names
 * nothing, and opening a pipe waits for ever. What is missing is no obstacle.
 * @throws VconOtelError `FILE_UNUSABLE`; the system's error
 */
export function requirePlainFile(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found || found.isFile()) return;
  const kind = found.isDirectory() ? 'a folder' : 'a pipe or a device';
  throw new VconOtelError('FILE_UNUSABLE', `${path} has to be a file, and is ${kind}: move it away`);
}
