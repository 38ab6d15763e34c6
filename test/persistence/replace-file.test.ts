import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createFile, replaceFile, replaceFileSync } from '../../src/persistence/replace-file.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const newPath = () => join(temporaryFolder(), 'file');
const textOf = (path: string) => readFileSync(path, 'utf8');
/** What else lies beside it. */
const besideOf = (path: string) => readdirSync(join(path, '..')).filter((name) => name !== 'file');

const replacements = {
  replaceFile: (path: string, text: string) => replaceFile(path, text),
  replaceFileSync: async (path: string, text: string) => replaceFileSync(path, text),
};

describe.each(Object.entries(replacements))('%s', (_name, replace) => {
  test('makes a file with its permissions, and replaces it', async () => {
    const path = newPath();
    await replace(path, 'one');
    expect([textOf(path), statSync(path).mode & 0o777]).toEqual(['one', 0o600]);
    await replace(path, 'two');
    expect([textOf(path), besideOf(path)]).toEqual(['two', []]);
  });

  test('never leaves a file half written: a reader has the one or the other', async () => {
    const path = newPath();
    const [one, two] = ['1'.repeat(1e6), '2'.repeat(1e6)];
    await replace(path, one);
    let isDone = false;
    const writing = (async () => {
      for (let i = 0; i < 20; i += 1) await replace(path, i % 2 ? one : two);
      isDone = true;
    })();
    while (!isDone) {
      expect([one, two]).toContain(textOf(path));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await writing;
  });

  test('that fails leaves the old file, and nothing beside it', async () => {
    const path = newPath();
    await expect(replace(join(path, 'below'), 'x')).rejects.toMatchObject({ code: 'ENOENT' });
    writeFileSync(path, 'old');
    await expect(replace(join(path, 'below'), 'x')).rejects.toMatchObject({ code: 'ENOTDIR' });
    rmSync(path);
    const folder = temporaryFolder();
    await expect(replace(folder, 'x')).rejects.toMatchObject({ code: 'EISDIR' });
    expect(readdirSync(join(folder, '..')).filter((name) => name.startsWith(`.${basename(folder)}`))).toEqual(
      [],
    );
  });
});

test('of many that replace a file at once the last one wins, and nothing is left', async () => {
  const path = newPath();
  const texts = Array.from({ length: 50 }, (_, i) => `${i}`);
  await Promise.all(texts.map((text) => replaceFile(path, text)));
  expect(texts).toContain(textOf(path));
  expect(besideOf(path)).toEqual([]);
});

test('a replacement that is called off replaces nothing', async () => {
  const path = newPath();
  writeFileSync(path, 'old');
  const signal = AbortSignal.abort();
  await expect(replaceFile(path, 'new', { signal })).rejects.toMatchObject({ name: 'AbortError' });
  expect([textOf(path), besideOf(path)]).toEqual(['old', []]);
});

test('a file is created by one of many, and never replaced', async () => {
  const path = newPath();
  const outcomes = await Promise.allSettled(['a', 'b', 'c'].map((text) => createFile(path, text)));
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  const before = textOf(path);
  await expect(createFile(path, 'd')).rejects.toMatchObject({ code: 'EEXIST' });
  expect([textOf(path), besideOf(path)]).toEqual([before, []]);
});
