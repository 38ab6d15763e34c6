import fs, { existsSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { DurableFile } from '../../src/persistence/durable-file.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { hasPrlimit, onFullDisk } from './on-full-disk.ts';

const newPath = () => join(temporaryFolder(), 'file');
const textOf = (path: string) => readFileSync(path, 'utf8');

describe('a file that is ours alone', () => {
  test('is gone on with after the bytes that count, and what is behind them is cut off', async () => {
    const path = newPath();
    writeFileSync(path, 'a\nb\nhal');
    const file = new DurableFile({ path, end: 4 });
    expect(textOf(path)).toBe('a\nb\nhal');
    await file.append('ü\n');
    expect([textOf(path), file.end]).toEqual(['a\nb\nü\n', 7]);
    await file.append('c\n');
    await file.close();
    expect([textOf(path), file.end]).toEqual(['a\nb\nü\nc\n', 9]);
  });

  test('that has become shorter, or is missing, is not gone on with', async () => {
    const path = newPath();
    const file = new DurableFile({ path, end: 4 });
    await expect(file.append('c\n')).rejects.toMatchObject({ code: 'ENOENT' });
    writeFileSync(path, 'a\n');
    await expect(file.append('c\n')).rejects.toThrow('shorter');
    expect(textOf(path)).toBe('a\n');
    writeFileSync(path, 'a\nb\n');
    await file.append('c\n');
    await file.close();
    expect(textOf(path)).toBe('a\nb\nc\n');
  });

  test.skipIf(!hasPrlimit)('on a full disk loses what did not fit, and nothing else', async () => {
    const path = newPath();
    const refused = '0 written, EFBIG';
    expect(await onFullDisk('owned', path)).toEqual(['written', refused, 'written', 'written']);
    expect(textOf(path)).toBe('AAA\nFFF\nGGG\n');
  });
});

describe('a file to which others append too', () => {
  test('is made with its permissions, and begins with an empty line whenever it is opened', async () => {
    const path = newPath();
    const file = new DurableFile({ path, create: true });
    await file.append('a\n');
    await file.append('b\n');
    await file.close();
    await file.append('c\n');
    await file.close();
    expect(textOf(path)).toBe('\na\nb\n\nc\n');
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('keeps what a crash left, which no line continues', async () => {
    const path = newPath();
    writeFileSync(path, 'a\nhal');
    const file = new DurableFile({ path, create: true });
    await file.append('b\n');
    writeFileSync(path, 'theirs\n', { flag: 'a' });
    await file.append('c\n');
    await file.close();
    expect(textOf(path)).toBe('a\nhal\nb\ntheirs\nc\n');
  });

  test.skipIf(!hasPrlimit)('on a full disk keeps half a line, which no line continues', async () => {
    const path = newPath();
    const refused = '0 written, EFBIG';
    expect(await onFullDisk('shared', path)).toEqual(['written', refused, refused, 'written']);
    expect(textOf(path)).toBe('\nAAA\nBBB\nCCC\nDD\nGGG\n');
  });
});

test('what is written to a file that was deleted does not count, and the file is made again where it may be', async () => {
  const [ours, shared] = [newPath(), newPath()];
  writeFileSync(ours, '');
  const files = [new DurableFile({ path: ours, end: 0 }), new DurableFile({ path: shared, create: true })];
  for (const file of files) await file.append('a\n');
  for (const path of [ours, shared]) rmSync(path);
  for (const file of files) await expect(file.append('b\n')).rejects.toThrow('deleted');
  await expect(files[0]?.append('c\n')).rejects.toMatchObject({ code: 'ENOENT' });
  await files[1]?.append('c\n');
  expect(textOf(shared)).toBe('\nc\n');
  for (const file of files) await file.close();
});

test.skipIf(!existsSync('/dev/full'))(
  'a disk that is full from the start refuses, and is tried anew',
  async () => {
    const path = newPath();
    symlinkSync('/dev/full', path);
    const file = new DurableFile({ path, create: true });
    await expect(file.append('a\n')).rejects.toMatchObject({ code: 'ENOSPC' });
    rmSync(path);
    await file.append('b\n');
    await file.close();
    expect(textOf(path)).toBe('\nb\n');
  },
);

describe('a synchronisation that fails', () => {
  const { fdatasync } = fs;
  let failing = false;
  afterEach(() => {
    fs.fdatasync = fdatasync;
    syncBuiltinESMExports();
    vi.resetModules();
  });

  /** The class as it is where the disk's synchronisation can be made to fail. */
  async function onBadDisk(): Promise<typeof DurableFile> {
    fs.fdatasync = ((file: number, done: fs.NoParamCallback) =>
      fdatasync(file, (error) =>
        done(failing ? Object.assign(new Error('on purpose'), { code: 'EIO' }) : error),
      )) as typeof fdatasync;
    syncBuiltinESMExports();
    vi.resetModules();
    return (await import('../../src/persistence/durable-file.ts')).DurableFile;
  }

  test.each([
    ['a file of ours is cut off where it was, and written again', { end: 0 }, 'a\nc\n'],
    ['a shared file is opened anew, and what comes begins a line of its own', {}, '\na\nb\n\nc\n'],
  ])('is not taken for done: %s', async (_what, settings, content) => {
    const BadDiskFile = await onBadDisk();
    const path = newPath();
    const file = new BadDiskFile({ path, create: true, ...settings });
    await file.append('a\n');
    failing = true;
    await expect(file.append('b\n')).rejects.toMatchObject({ code: 'EIO' });
    failing = false;
    await file.append('c\n');
    await file.close();
    expect(textOf(path)).toBe(content);
  });
});
