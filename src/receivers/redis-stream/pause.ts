import { setTimeout as wait } from 'node:timers/promises';
import { backOff } from '../../model/back-off.ts';

/** The pauses between attempts at something that Redis or the journal refused. */
const INTERVALS = { initialInterval: 100, maxInterval: 5_000 };

/** Waits some milliseconds, or until the receiver closes. */
export async function pause(milliseconds: number, closing: AbortSignal): Promise<void> {
  await wait(milliseconds, undefined, { signal: closing }).catch(() => undefined);
}

/** Waits until some moment of `performance.now()`, which may be over, or until the receiver closes. */
export async function pauseUntil(moment: number, closing: AbortSignal): Promise<void> {
  const left = moment - performance.now();
  if (left > 0) await pause(left, closing);
}

/** Pauses after so many failures in a row, or until the receiver closes. */
export function pauseAfter(failures: number, closing: AbortSignal): Promise<void> {
  return pause(backOff(INTERVALS, failures, Math.random), closing);
}
