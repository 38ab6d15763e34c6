import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Whether this system can limit the size of files. */
export const hasPrlimit = spawnSync('prlimit', ['--version']).status === 0;

/** What becomes of a file's writes on a disk that fills up and has room again (full-disk.ts). */
export async function onFullDisk(kind: 'lines' | 'shared' | 'owned', path: string): Promise<string[]> {
  const script = join(import.meta.dirname, 'full-disk.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [script, kind, path]);
  return JSON.parse(stdout) as string[];
}
