import { expect, test } from 'vitest';
import { retryHints } from '../../src/model/delivery-error.ts';
import { errorType } from '../../src/model/error.ts';
import { networkFailure, OutgoingError, statusFailure } from '../../src/outgoing/failure.ts';

const answer = (status: number, headers: Readonly<Record<string, string>> = {}) => ({
  status,
  headers,
  text: '',
});

test.each([200, 201, 204, 299])('%i is no failure', (status) =>
  expect(statusFailure(answer(status))).toBeUndefined(),
);

test.each([408, 425, 429, 500, 502, 503, 504])('%i is retried, not before its Retry-After', (status) => {
  const failure = statusFailure(answer(status, { 'retry-after': '7' }));
  expect(retryHints(failure)).toEqual({ permanent: false, retryAfter: 7 });
  expect(errorType(failure)).toBe(`HTTP_${status}`);
});

test.each([300, 301, 307, 400, 401, 403, 404, 413, 422])('%i is permanent', (status) => {
  const failure = statusFailure(answer(status));
  expect(retryHints(failure)).toEqual({ permanent: true, retryAfter: 0 });
});

test('a network failure is retried and named for what happened', () => {
  const cause = Object.assign(new Error('secret'), { code: 'ECONNREFUSED' });
  for (const error of [cause, new AggregateError([cause], 'secret')]) {
    const failure = networkFailure(error);
    expect(failure.message).toBe('the service could not be reached (ECONNREFUSED)');
    expect(retryHints(failure)).toEqual({ permanent: false, retryAfter: 0 });
    expect(failure.cause).toBeUndefined();
  }
});

test('a failure of ours stays as it is', () => {
  const ours = new OutgoingError('ADDRESS_REFUSED', 'no');
  expect(networkFailure(ours)).toBe(ours);
});

test.each([[null], ['text'], [undefined], [{}]])('%o thrown is a failure too', (thrown) =>
  expect(networkFailure(thrown)).toBeInstanceOf(OutgoingError),
);
