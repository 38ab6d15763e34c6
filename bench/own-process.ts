import { fork } from 'node:child_process';
import { once } from 'node:events';

/** What a benchmark's file is to measure, where it runs as a process for that alone. */
export function ownVariant(): string | undefined {
  return process.argv.slice(2).find((argument) => !argument.startsWith('--'));
}

/**
 * Has a benchmark's file measure one variant in a process of its own: what was compiled, kept or freed for another one
 * would help or hinder it.
 * @returns what the process told by {@link tellParent}
 */
export async function inOwnProcess<T>(file: string, variant: string): Promise<T> {
  const flags = process.argv.slice(2).filter((argument) => argument.startsWith('--'));
  const child = fork(file, [variant, ...flags], { execArgv: ['--expose-gc'] });
  const gone = once(child, 'exit');
  const ended = gone.then(([code, signal]) => {
    throw new Error(`${variant}: the process ended with ${code ?? signal} before it had measured`);
  });
  ended.catch(() => {});
  const [told] = await Promise.race([once(child, 'message'), ended]);
  // What it cleans up is not to disturb the next one.
  await gone;
  return told as T;
}

/** In such a process: measures, and tells the parent. Without a parent there is nobody to measure for. */
export async function tellParent(measure: () => Promise<unknown>): Promise<void> {
  const orphaned = () => process.exit(1);
  process.once('disconnect', orphaned);
  process.send?.(await measure());
  process.off('disconnect', orphaned);
  process.disconnect();
}
