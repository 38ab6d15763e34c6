import { mkdtempSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '../../src/persistence/make-folder.ts';

const top = realpathSync(mkdtempSync(join(tmpdir(), 'vcon-otel-folder-')));

test('a folder is made with those above it, and the highest that was made is told', () => {
  const path = join(top, 'a', 'b', 'c');
  expect(makeFolder(path)).toBe(join(top, 'a'));
  expect(makeFolder(path)).toBeUndefined();
  expect(['a', 'a/b', 'a/b/c'].map((name) => statSync(join(top, name)).mode & 0o777)).toEqual([
    0o700, 0o700, 0o700,
  ]);
  expect(makeFolder(join(path, 'd'))).toBe(join(path, 'd'));
});

test('where there is a file, the system says so', () => {
  writeFileSync(join(top, 'file'), '');
  expect(() => makeFolder(join(top, 'file'))).toThrow('EEXIST');
  expect(() => makeFolder(join(top, 'file', 'below'))).toThrow(/ENOTDIR|EEXIST/);
});

test.runIf(process.platform === 'linux')(
  'where none can be made, it comes back (Node itself would not)',
  () => {
    expect(() => makeFolder('/proc/x/y')).toThrow('ENOENT');
  },
);
