import { expect, test } from 'vitest';
import { withDeadline } from '../../src/model/deadline.ts';
import { errorType, VconOtelError } from '../../src/model/error.ts';
import { nameOf, spanName, stageOf } from '../../src/model/semconv.ts';

test.each([
  [new TypeError('canary'), 'TypeError'],
  [new VconOtelError('TIMEOUT', 'x'), 'TIMEOUT'],
  [Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
  [Object.assign(new Error('x'), { code: 'call me' }), 'Error'],
  [Object.assign(new Error('x'), { code: 42 }), 'Error'],
  [{ name: 'http.client.HTTPError' }, 'http.client.HTTPError'],
  [{ name: 'call +15550100' }, '_OTHER'],
  [{}, '_OTHER'],
  [[], '_OTHER'],
  ['canary', 'string'],
  [null, 'null'],
  [undefined, 'undefined'],
  [0n, 'bigint'],
  [() => {}, 'function'],
])('the type of %o is %s', (thrown, type) => {
  expect(errorType(thrown)).toBe(type);
});

test('an error keeps its code, path and cause', () => {
  const cause = new Error('x');
  expect(new VconOtelError('CONFIG_INVALID', 'm', { path: 'a.b', cause })).toMatchObject({
    name: 'VconOtelError',
    code: 'CONFIG_INVALID',
    path: 'a.b',
    cause,
  });
});

test('a deadline passes on what comes in time and rejects what does not', async () => {
  await expect(withDeadline(Promise.resolve(7), 1_000, 'it')).resolves.toBe(7);
  await expect(withDeadline(Promise.reject(new RangeError('x')), 1_000, 'it')).rejects.toThrow(RangeError);
  await expect(withDeadline(new Promise(() => {}), 1, 'it')).rejects.toMatchObject({ code: 'TIMEOUT' });
});

test('the name of a span leads back to stage and name', () => {
  for (const stage of ['chain', 'link', 'storage'] as const) {
    const name = spanName(stage, 'a.b c');
    expect([stageOf(name), nameOf(stage, name)]).toEqual([stage, 'a.b c']);
  }
  for (const other of ['link.', 'storage.', 'vcon_processing.', 'GET', '', 'Link.a'])
    expect(stageOf(other)).toBeUndefined();
});
