import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fileObstacle, folderObstacle } from '../../src/persistence/obstacle.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('nothing stands in the way of what is there or can be made, and nothing is made for the look', () => {
  const folder = temporaryFolder();
  const file = join(folder, 'file');
  writeFileSync(file, 'x');
  expect([fileObstacle(file), folderObstacle(folder)]).toEqual([undefined, undefined]);
  const far = join(folder, 'a', 'b', 'c');
  expect([fileObstacle(far), folderObstacle(far)]).toEqual([undefined, undefined]);
  expect(existsSync(join(folder, 'a'))).toBe(false);
});

test('what is of the other kind stands in the way', () => {
  const folder = temporaryFolder();
  const file = join(folder, 'file');
  writeFileSync(file, '');
  mkdirSync(join(folder, 'inner'));
  expect(fileObstacle(join(folder, 'inner'))).toBe('EISDIR');
  expect(folderObstacle(file)).toBe('ENOTDIR');
  expect([fileObstacle(join(file, 'below')), folderObstacle(join(file, 'below'))]).toEqual([
    'ENOTDIR',
    'ENOTDIR',
  ]);
});

test('a path that leads round in circles cannot be written', () => {
  const path = join(temporaryFolder(), 'loop');
  symlinkSync(path, path);
  expect(fileObstacle(path)).toBe('ELOOP');
});

test.skipIf(process.getuid?.() === 0 || process.platform === 'win32')(
  'nor can what belongs to the system',
  () => {
    expect(fileObstacle('/proc/version')).toBe('EACCES');
  },
);
