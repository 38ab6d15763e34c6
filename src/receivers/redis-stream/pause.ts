import { setTimeout as wait } from 'node:timers/promises';

/** Waits some milliseconds, or until the receiver closes. */
export async function pause(milliseconds: number, closing: AbortSignal): Promise<void> {
  await wait(milliseconds, undefined, { signal: closing }).catch(() => undefined);
}

/** How long to wait before another attempt: full jitter, doubling up to five seconds. */
export function backOff(failures: number): number {
  return Math.random() * Math.min(100 * 2 ** Math.min(failures, 10), 5_000);
}
