import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backOff, longestWait, waitBeforeNext } from '../../src/model/back-off.ts';

const retry = { initialInterval: 1_000, maxInterval: 60_000, maxElapsedTime: 0, maxAttempts: 0 };
const made = (attempts: number, since = 0) => ({ attempts, since });
const most = (elapsed = 0) => ({ elapsed: () => elapsed, random: () => 1 });

describe('the wait after failures', () => {
  test('doubles at its longest, up to the longest interval', () => {
    const waits = [1, 2, 3, 6, 7, 8, 5_000].map((failures) => longestWait(retry, failures));
    expect(waits).toEqual([1_000, 2_000, 4_000, 32_000, 60_000, 60_000, 60_000]);
  });

  test('is any part of that, so that those that failed together do not come back together', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, part) => {
        expect(backOff(retry, n, () => part)).toBeCloseTo(longestWait(retry, n) * part, 6);
        expect(waitBeforeNext(retry, made(n), 0, { ...most(), random: () => part })).toBe(
          backOff(retry, n, () => part),
        );
      }),
    );
  });
});

describe('the wait before the next attempt', () => {
  test('is at least what the other side asked for, and at most an hour for it', () => {
    expect(waitBeforeNext(retry, made(1), 90, most())).toBe(90_000);
    expect(waitBeforeNext(retry, made(1), 0.5, most())).toBe(1_000);
    expect(waitBeforeNext(retry, made(1), 1e9, most())).toBe(3_600_000);
  });

  test('is none after the last of the attempts', () => {
    const thrice = { ...retry, maxAttempts: 3 };
    expect(waitBeforeNext(thrice, made(2), 0, most())).toBe(2_000);
    expect(waitBeforeNext(thrice, made(3), 0, most())).toBeUndefined();
  });

  test('is none if the next attempt would begin after the time that there is', () => {
    const minute = { ...retry, maxElapsedTime: 60_000 };
    expect(waitBeforeNext(minute, made(1, 100), 0, most(59_100))).toBe(1_000);
    expect(waitBeforeNext(minute, made(1, 100), 0, most(59_101))).toBeUndefined();
    expect(waitBeforeNext(minute, made(1, 100), 61, most(100))).toBeUndefined();
  });
});
