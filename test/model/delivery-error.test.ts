import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DeliveryError, retryHints } from '../../src/model/delivery-error.ts';
import { errorType } from '../../src/model/error.ts';

beforeEach(() => vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(1994, 10, 6, 8, 49, 7) }));
afterEach(() => vi.useRealTimers());

describe('Retry-After', () => {
  test.each([
    ['120', 120],
    [' 0 ', 0],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 30],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 30],
    ['Sun Nov  6 08:49:37 1994', 30],
    ['Sat, 05 Nov 1994 08:49:37 GMT', 0],
    [1.5, 1.5],
  ])('%j is %d seconds', (retryAfter, seconds) => {
    expect(new DeliveryError('on purpose', { retryAfter }).retryAfter).toBe(seconds);
  });

  test.each([
    ['-1'],
    ['1.5'],
    ['soon'],
    [''],
    ['1994-11-06'],
    ['9'.repeat(40)],
    ['Sun, 99 Nov 1994 08:49:37 GMT'],
    [-1],
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [null],
    [undefined],
  ])('%j is ignored', (retryAfter) => {
    expect(new DeliveryError('on purpose', { retryAfter }).retryAfter).toBeUndefined();
  });
});

describe('what a failed call says about the next one', () => {
  test('is read off a DeliveryError, which keeps its cause', () => {
    const cause = new Error('on purpose');
    const error = new DeliveryError('refused', { permanent: true, retryAfter: '7', cause });
    expect([retryHints(error), errorType(error)]).toEqual([
      { permanent: true, retryAfter: 7 },
      'DeliveryError',
    ]);
    expect([error.message, error.cause]).toEqual(['refused', cause]);
    expect(new DeliveryError('refused')).toMatchObject({ permanent: false, retryAfter: undefined });
  });

  test('is read off any object', () => {
    expect(retryHints({ permanent: true })).toEqual({ permanent: true, retryAfter: 0 });
    expect(retryHints(Object.assign(new Error('on purpose'), { retryAfter: 3 })).retryAfter).toBe(3);
  });

  test.each([
    [undefined],
    [null],
    ['permanent'],
    [new Error('on purpose')],
    [{ permanent: 'yes', retryAfter: '7' }],
    [{ retryAfter: Number.NaN }],
  ])('is nothing where nothing is said: %s', (error) => {
    expect(retryHints(error)).toEqual({ permanent: false, retryAfter: 0 });
  });

  test('is nothing where it cannot be read', () => {
    const error = {
      get permanent() {
        throw new Error('on purpose');
      },
    };
    expect(retryHints(error)).toEqual({ permanent: false, retryAfter: 0 });
  });
});
