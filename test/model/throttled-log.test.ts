import { afterEach, beforeEach, expect, test } from 'vitest';
import { LogThrottle } from '../../src/model/log-throttle.ts';
import { ThrottledLog } from '../../src/model/throttled-log.ts';
import { recordLog } from '../exporters/recorded-log.ts';

let recorded: ReturnType<typeof recordLog>;
let now: number;
beforeEach(() => {
  recorded = recordLog();
  now = 5_000;
});
afterEach(() => recorded.stop());

const throttle = () => new LogThrottle({ elapsed: () => now });
const log = () => new ThrottledLog('vcon-otel/test', throttle());
const lines = () => recorded.lines.map((line) => line.replace('vcon-otel/test ', ''));

test('a warning is written at once, and what comes within the minute is counted in the next line', () => {
  const throttled = log();
  const warn = (message: string) => throttled.warn('a', message);
  warn('first');
  for (let i = 0; i < 9; i += 1) warn('again');
  now += 59_999;
  warn('again');
  expect(lines()).toEqual(['first']);
  now += 1;
  warn('later');
  expect(lines()).toEqual(['first', 'later (11 times)']);
  now += 60_000;
  warn('last');
  expect(lines().slice(2)).toEqual(['last']);
});

test('each subject has a minute of its own', () => {
  const throttled = log();
  for (const key of ['a', 'b', 'a', 'b']) throttled.warn(key, key);
  expect(lines()).toEqual(['a', 'b']);
});

test('a line that is written although it is not due begins the minute anew', () => {
  const throttled = log();
  throttled.warnNow('a', 'one');
  now += 30_000;
  expect(throttled.dueIn('a')).toBe(30_000);
  throttled.warnNow('a', 'two');
  expect(throttled.dueIn('a')).toBe(60_000);
  expect(throttled.dueIn('b')).toBe(0);
  expect(lines()).toEqual(['one', 'two']);
});

test('any number of subjects takes a bounded memory', () => {
  const bounded = throttle();
  for (let i = 0; i <= 1_000; i += 1) expect(bounded.take(`${i}`)).toBe(1);
  expect(bounded.dueIn('1000')).toBe(60_000);
  // All before it were forgotten.
  expect(bounded.dueIn('999')).toBe(0);
});
