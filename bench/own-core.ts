import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** The core of what is measured, and of whoever feeds it. */
const MEASURED = 1;
const FEEDING = 0;

/**
 * Puts this process, and what it starts, on a core of its own.
 * @returns how a command is to be started that is to have another one; undefined where processes cannot be put on cores
 */
export function shareCores(): readonly string[] | undefined {
  if (availableParallelism() < 2) return undefined;
  const probe = spawnSync('taskset', ['-c', String(MEASURED), 'true'], { stdio: 'ignore' });
  const moved = spawnSync('taskset', ['-a', '-c', '-p', String(FEEDING), String(process.pid)], {
    stdio: 'ignore',
  });
  return probe.status === 0 && moved.status === 0 ? ['taskset', '-c', String(MEASURED)] : undefined;
}
