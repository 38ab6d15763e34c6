import type { Clock } from './clock.ts';

/** Milliseconds to wait between attempts. */
export interface Intervals {
  /** The longest wait after the first failure; it doubles with each further one. */
  readonly initialInterval: number;
  /** The limit to which it grows. */
  readonly maxInterval: number;
}

/** {@link Intervals}, and when to stop trying. */
export interface RetryLimits extends Intervals {
  /** For how many milliseconds after the first attempt others may begin; 0: no limit. */
  readonly maxElapsedTime: number;
  /** How many attempts there may be in all; 0: no limit. */
  readonly maxAttempts: number;
}

/** The longest `Retry-After` that is respected, in milliseconds. */
const LONGEST_RETRY_AFTER = 3_600_000;

/** What a `Retry-After` of so many seconds asks for, in milliseconds. */
export function asked(retryAfter: number): number {
  return Math.min(retryAfter * 1e3, LONGEST_RETRY_AFTER);
}

/** The longest wait, in milliseconds, after so many failures in a row, the first of which is 1. */
export function longestWait({ initialInterval, maxInterval }: Intervals, failures: number): number {
  return Math.min(maxInterval, initialInterval * 2 ** (failures - 1));
}

/**
 * Milliseconds to wait after so many failures in a row: a random part of {@link longestWait} (full jitter), so that callers
 * that failed together do not come back together
 * (https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/).
 * @param random as {@link Clock.random}
 */
export function backOff(intervals: Intervals, failures: number, random: () => number): number {
  return random() * longestWait(intervals, failures);
}

/**
 * Milliseconds to wait before the next attempt: {@link backOff}, or longer if that was requested.
 * @param made attempts so far, the first of them `since` a time on {@link Clock.elapsed}
 * @param retryAfter seconds that the other side asked for
 * @returns undefined if there must be no further attempt
 */
export function waitBeforeNext(
  limits: RetryLimits,
  { attempts, since }: { readonly attempts: number; readonly since: number },
  retryAfter: number,
  clock: Pick<Clock, 'elapsed' | 'random'>,
): number | undefined {
  const { maxElapsedTime, maxAttempts } = limits;
  if (maxAttempts > 0 && attempts >= maxAttempts) return undefined;
  const wait = Math.max(backOff(limits, attempts, clock.random), asked(retryAfter));
  if (maxElapsedTime > 0 && clock.elapsed() + wait - since > maxElapsedTime) return undefined;
  return wait;
}
