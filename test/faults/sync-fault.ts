import type { SystemCall } from './strace.ts';

/**
 * What a trace shows of the rule that after a failed synchronisation nothing is acknowledged on that handle: the next
 * acknowledgement comes after the file was opened anew and then synchronised. (What the system has once failed to write it
 * takes for written, so that a second try on the same handle succeeds without anything on the disk.) The journal's thread
 * goes on while what it did before is being told: one acknowledgement of a synchronisation that succeeded may come late.
 * @param path of the database
 * @returns where the rule was broken, in words
 */
export function syncFault(trace: readonly SystemCall[], path: string): string | undefined {
  let state: 'sound' | 'failed' | 'opened anew' = 'sound';
  /** Something was synchronised since the last acknowledgement. */
  let isOwed = false;
  for (const { name, path: at, failed, text } of trace) {
    const isSync = name === 'fsync' || name === 'fdatasync';
    if (isSync && failed && (at === path || at === `${path}-wal`)) state = 'failed';
    else if (state === 'failed' && name === 'openat' && at === path && !failed) state = 'opened anew';
    else if (state === 'opened anew' && isSync && !failed && at?.startsWith(path)) state = 'sound';
    else if (state === 'sound' && isSync && !failed && at?.startsWith(path)) isOwed = true;
    else if (name === 'write' && text.includes('durable')) {
      if (state !== 'sound' && !isOwed)
        return `something was acknowledged after a failed synchronisation (${state})`;
      isOwed = false;
    }
  }
  return undefined;
}
