import { expect, it } from 'vitest';
import { colourFromEnvironment } from '../../src/config/load-config.ts';

it.each<[boolean | undefined, Record<string, string>, boolean]>([
  [true, {}, true],
  [false, {}, false],
  [undefined, {}, false],
  [true, { NO_COLOR: '1' }, false],
  [true, { NO_COLOR: '' }, true],
  [true, { NO_COLOR: '0', FORCE_COLOR: '1' }, false],
  [false, { FORCE_COLOR: '1' }, true],
  [false, { FORCE_COLOR: '' }, false],
  [true, { FORCE_COLOR: '0' }, false],
  [true, { FORCE_COLOR: 'false' }, false],
])('on a terminal (%s) with %j colours are %s', (isTTY, env, expected) => {
  expect(colourFromEnvironment(isTTY === undefined ? {} : { isTTY }, env)).toBe(expected);
});
