import { expect, test } from 'vitest';
import { parseGlob } from '../../src/cli/arguments.ts';

test.each<[pattern: string, fits: string[], doesNot: string[]]>([
  ['main', ['main'], ['Main', 'main2', 'xmain', '']],
  ['*', ['main', '', 'a/b', '.hidden', 'two\nlines'], []],
  ['a*b', ['ab', 'a/b', 'a.b', 'a***b'], ['abc']],
  ['in?ake', ['intake', 'in😀ake'], ['inake', 'inttake']],
  ['a.b', ['a.b'], ['axb']],
  ['{a,b}', ['{a,b}'], ['a', 'b']],
  ['[x]+(y)|^$\\', ['[x]+(y)|^$\\'], ['x']],
  ['**_error', ['link_error'], ['link_errors']],
])('the pattern %j', (pattern, fits, doesNot) => {
  const test = parseGlob(pattern);
  expect(fits.filter((name) => !test(name))).toEqual([]);
  expect(doesNot.filter(test)).toEqual([]);
});
