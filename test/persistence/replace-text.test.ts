import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { linesWith, replaceInFile } from '../../src/persistence/replace-text.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const [ONE, OTHER, BY] = ['a'.repeat(36), 'b'.repeat(36), 'c'.repeat(36)] as [string, string, string];
const MEBIBYTE = 1_048_576;

test('a text is found and replaced wherever it is in a file, also where what is read at once ends', async () => {
  const path = join(temporaryFolder(), 'lines');
  for (const before of [0, 7, MEBIBYTE - 40, MEBIBYTE - 20, MEBIBYTE - 1, MEBIBYTE, 3 * MEBIBYTE - 36]) {
    const text = `${'x'.repeat(before)}${ONE}${OTHER}\n${OTHER} ${ONE}\n${'y'.repeat(MEBIBYTE)}\n${ONE}`;
    writeFileSync(path, text);
    expect(await linesWith(path, [ONE, OTHER])).toBe(3);
    await replaceInFile(path, [ONE, OTHER], BY);
    const after = readFileSync(path, 'utf8');
    expect(after === text.replaceAll(ONE, BY).replaceAll(OTHER, BY)).toBe(true);
    expect(await linesWith(path, [ONE, OTHER])).toBe(0);
  }
});

test('what is no file is left alone', async () => {
  const folder = temporaryFolder();
  for (const path of [folder, join(folder, 'missing'), '/dev/null']) {
    expect(await linesWith(path, [ONE])).toBe(0);
    await replaceInFile(path, [ONE], BY);
  }
});
