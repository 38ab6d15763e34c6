import { lstatSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { errorType, VconOtelError } from '../model/error.ts';

/** @throws VconOtelError `FILE_UNUSABLE` if something is at one of the paths */
export function mustBeFree(...paths: readonly string[]): void {
  for (const path of paths)
    if (lstatSync(path, { throwIfNoEntry: false }))
      throw unusable(path, 'is there already; nothing was written');
}

/**
 * Writes files that are not there yet: all of them, or none.
 * @param texts by path
 * @param mode permissions, less the process's mask
 * @throws VconOtelError `FILE_UNUSABLE`, naming the first that is there already or cannot be written
 */
export async function writeNewFiles(texts: Readonly<Record<string, string>>, mode = 0o666): Promise<void> {
  const paths = Object.keys(texts);
  mustBeFree(...paths);
  const written: string[] = [];
  for (const [path, text] of Object.entries(texts)) {
    try {
      await writeFile(path, text, { flag: 'wx', mode });
      written.push(path);
    } catch (error) {
      const type = errorType(error);
      // Part of it may be there, unless it is somebody else's.
      if (type !== 'EEXIST') written.push(path);
      for (const ours of written) await rm(ours, { force: true });
      throw unusable(path, `cannot be written (${type}); nothing was written`, error);
    }
  }
}

function unusable(path: string, reason: string, cause?: unknown): VconOtelError {
  return new VconOtelError('FILE_UNUSABLE', `${path} ${reason}`, cause === undefined ? {} : { cause });
}
