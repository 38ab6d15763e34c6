import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readLines } from '../../src/persistence/read-lines.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

function linesOf(content: string, longest = 100, offset = 0) {
  const path = join(temporaryFolder(), 'file');
  writeFileSync(path, content);
  // The texts are of one buffer, which is used again.
  return [...copied(readLines(path, { longest, offset }))];
}

function* copied(lines: ReturnType<typeof readLines>) {
  for (const { text, offset, whole } of lines) yield [text.toString(), offset, whole] as const;
}

test('lines come with their place, and the last one may be unfinished', () => {
  expect(linesOf('a\n\nbü\nc')).toEqual([
    ['a', 0, true],
    ['', 2, true],
    ['bü', 3, true],
    ['c', 7, false],
  ]);
  expect(linesOf('')).toEqual([]);
});

test('a line ends with a line feed alone: JSON has other line breaks inside of strings', () => {
  const line = JSON.stringify({ chain: 'a\u2028b\u2029c\r' });
  expect(linesOf(`${line}\n`)).toEqual([[line, 0, true]]);
});

test('reading may begin at a line further on', () => {
  expect(linesOf('a\nb\nc\n', 100, 2)).toEqual([
    ['b', 2, true],
    ['c', 4, true],
  ]);
});

test('a line that is too long ends the reading', () => {
  const [short, long, ...rest] = linesOf('abc\nabcd\nabc\n', 4);
  expect([short, rest]).toEqual([['abc', 0, true], []]);
  expect(long).toEqual([expect.stringMatching(/^abcd/), 4, false]);
});

test('nothing is lost where a buffer ends', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(400_000), { maxLength: 8 }), (lengths) => {
      const texts = lengths.map((length, i) => String(i).repeat(length));
      const read = linesOf(texts.map((text) => `${text}\n`).join(''), 500_000);
      expect(read.map(([text]) => text)).toEqual(texts);
    }),
    { numRuns: 20 },
  );
});
