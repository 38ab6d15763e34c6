import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { waitBeforeNext } from '../../src/bridge/back-off.ts';

const retry = { initialInterval: 1_000, maxInterval: 60_000, maxElapsedTime: 0, maxAttempts: 0 };
const made = (attempts: number, since = 0) => ({ attempts, since });
const most = () => 1;

describe('the wait before the next attempt', () => {
  test('doubles at its longest, up to the longest interval', () => {
    const waits = [1, 2, 3, 6, 7, 8, 5_000].map((attempts) =>
      waitBeforeNext(retry, made(attempts), 0, 0, most),
    );
    expect(waits).toEqual([1_000, 2_000, 4_000, 32_000, 60_000, 60_000, 60_000]);
  });

  test('is any part of that, so that those that failed together do not come back together', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, part) => {
        const longest = waitBeforeNext(retry, made(n), 0, 0, most) ?? 0;
        expect(waitBeforeNext(retry, made(n), 0, 0, () => part)).toBeCloseTo(longest * part, 6);
      }),
    );
  });

  test('is at least what the tracer asked for, and at most an hour for it', () => {
    expect(waitBeforeNext(retry, made(1), 90, 0, most)).toBe(90_000);
    expect(waitBeforeNext(retry, made(1), 0.5, 0, most)).toBe(1_000);
    expect(waitBeforeNext(retry, made(1), 1e9, 0, most)).toBe(3_600_000);
  });

  test('is none after the last of the attempts', () => {
    const thrice = { ...retry, maxAttempts: 3 };
    expect(waitBeforeNext(thrice, made(2), 0, 0, most)).toBe(2_000);
    expect(waitBeforeNext(thrice, made(3), 0, 0, most)).toBeUndefined();
  });

  test('is none if the next attempt would begin after the time that there is', () => {
    const minute = { ...retry, maxElapsedTime: 60_000 };
    expect(waitBeforeNext(minute, made(1, 100), 0, 59_100, most)).toBe(1_000);
    expect(waitBeforeNext(minute, made(1, 100), 0, 59_101, most)).toBeUndefined();
    expect(waitBeforeNext(minute, made(1, 100), 61, 100, most)).toBeUndefined();
  });
});
