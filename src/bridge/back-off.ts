import type { DeliveryPolicy } from './delivery-policy.ts';

/** Milliseconds beyond which a `Retry-After` is not believed. */
const LONGEST_RETRY_AFTER = 3_600_000;

/** What a `Retry-After` of so many seconds asks for, in milliseconds. */
export function asked(retryAfter: number): number {
  return Math.min(retryAfter * 1e3, LONGEST_RETRY_AFTER);
}

/**
 * Milliseconds to wait before the next attempt: full jitter, so that runs which failed together do not come back
 * together (https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/).
 * @param made attempts so far, the first of them `since` a time on the clock of `performance.now()`
 * @param retryAfter seconds that the tracer asked for
 * @returns undefined if there is to be no next attempt
 */
export function waitBeforeNext(
  { initialInterval, maxInterval, maxElapsedTime, maxAttempts }: DeliveryPolicy['retry'],
  { attempts, since }: { readonly attempts: number; readonly since: number },
  retryAfter: number,
  now: number = performance.now(),
  random: () => number = Math.random,
): number | undefined {
  if (maxAttempts > 0 && attempts >= maxAttempts) return undefined;
  const longest = Math.min(maxInterval, initialInterval * 2 ** (attempts - 1));
  const wait = Math.max(random() * longest, asked(retryAfter));
  if (maxElapsedTime > 0 && now + wait - since > maxElapsedTime) return undefined;
  return wait;
}
