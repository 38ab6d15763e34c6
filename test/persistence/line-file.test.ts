import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LineFile } from '../../src/persistence/line-file.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { hasPrlimit, onFullDisk } from './on-full-disk.ts';

const newPath = () => join(temporaryFolder(), 'deep', 'er', 'lines');
const line = (text: string) => Buffer.from(`${text}\n`);
const textOf = (path: string) => readFileSync(path, 'utf8');

test('lines are in the file, in their order, and the file is made with its folders and permissions', async () => {
  const path = newPath();
  const file = new LineFile(path);
  await file.write([line('a'), line('b')]);
  await file.write([line('c')]);
  expect(textOf(path)).toBe('a\nb\nc\n');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  await file.close();
});

test.each([
  ['half a line is ended', 'old\nhal', 'old\nhal\na\n'],
  ['whole lines are gone on from', 'old\n', 'old\na\n'],
  ['an empty file begins with the first line', '', 'a\n'],
])('what is in the file is kept: %s', async (_what, before, after) => {
  const path = join(temporaryFolder(), 'lines');
  writeFileSync(path, before);
  const file = new LineFile(path);
  expect(textOf(path)).toBe(before);
  await file.write([line('a')]);
  await file.close();
  expect(textOf(path)).toBe(after);
});

test('others may append too', async () => {
  const path = newPath();
  const [one, other] = [new LineFile(path), new LineFile(path)];
  await one.write([line('a')]);
  await other.write([line('b')]);
  await one.write([line('c')]);
  expect(textOf(path)).toBe('a\nb\nc\n');
  await Promise.all([one.close(), other.close()]);
});

test.skipIf(!hasPrlimit)(
  'on a full disk whole lines count, and the one that was begun is finished first',
  async () => {
    const path = newPath();
    expect(await onFullDisk('lines', path)).toEqual([
      'written',
      '2 written, EFBIG',
      '0 written, EFBIG',
      'written',
    ]);
    // D was begun, and F never came as far.
    expect(textOf(path)).toBe('AAA\nBBB\nCCC\nDDD\nGGG\n');
  },
);

test.skipIf(!existsSync('/dev/full'))(
  'a device is written to as it is: there is no disk to wait for',
  async () => {
    const file = new LineFile('/dev/full');
    await expect(file.write([line('a')])).rejects.toMatchObject({ written: 0, cause: { code: 'ENOSPC' } });
    await file.sync();
    await file.close();
  },
);

test('closing is safe twice, and so is waiting for the disk afterwards', async () => {
  const file = new LineFile(newPath());
  await file.write([line('a')]);
  await Promise.all([file.close(), file.close(), file.sync()]);
  await file.sync();
});

test('a path that cannot be used fails with the system’s error', () => {
  expect(() => new LineFile(temporaryFolder())).toThrow(expect.objectContaining({ code: 'EISDIR' }));
});
