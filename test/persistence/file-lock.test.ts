import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isFileLocked, lockFile } from '../../src/persistence/file-lock.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const newPath = () => join(temporaryFolder(), 'lock');

describe('a lock', () => {
  test('is had by one at a time, and the file stays empty and alone', () => {
    const path = newPath();
    expect(isFileLocked(path)).toBe(false);
    expect(existsSync(path)).toBe(false);
    const lock = lockFile(path);
    expect([isFileLocked(path), lockFile(path), lock?.holds()]).toEqual([true, undefined, true]);
    expect([statSync(path).size, readdirSync(join(path, '..'))]).toEqual([0, ['lock']]);
    lock?.release();
    expect(isFileLocked(path)).toBe(false);
    lockFile(path)?.release();
  });

  test('on a file that was deleted or replaced keeps nobody off', () => {
    const path = newPath();
    const lock = lockFile(path);
    rmSync(path);
    expect([lock?.holds(), isFileLocked(path)]).toEqual([false, false]);
    writeFileSync(path, '');
    expect(lock?.holds()).toBe(false);
    const other = lockFile(path);
    expect(other?.holds()).toBe(true);
    for (const held of [lock, other]) held?.release();
  });

  test('of a process that was killed is free', async () => {
    const path = newPath();
    const script = `import { lockFile } from ${JSON.stringify(join(import.meta.dirname, '../../src/persistence/file-lock.ts'))};
      globalThis.lock = lockFile(process.argv[1]); console.log('locked'); setInterval(() => {}, 1e6);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    expect([isFileLocked(path), lockFile(path)]).toEqual([true, undefined]);
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    const lock = lockFile(path);
    expect(lock?.holds()).toBe(true);
    lock?.release();
  });

  test('in a folder that cannot be used fails with the system’s error', () => {
    expect(() => lockFile(join(newPath(), 'below'))).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });
});
