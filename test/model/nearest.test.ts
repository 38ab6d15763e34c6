import { expect, it } from 'vitest';
import { nearest } from '../../src/model/options/nearest.ts';

it.each([
  ['option', ['module', 'options'], 'options'],
  ['service-name', ['service_name', 'log_level'], 'service_name'],
  ['prot', ['host', 'port'], 'port'],
  ['elephant', ['module', 'options'], undefined],
  ['x', ['url', 'a'], undefined],
  ['', ['a'], undefined],
  ['y'.repeat(100_000), ['module'], undefined],
  ['pathe', ['paths', 'path'], 'paths'],
])('%.20s among %j means %s', (word, candidates, expected) => {
  expect(nearest(word, candidates)).toBe(expected);
});
