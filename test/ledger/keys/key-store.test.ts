import { readdirSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { KeyStore } from '../../../src/ledger/index.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const YEAR = 365 * 86_400_000;

function keyFiles(directory: string): string[] {
  return readdirSync(join(directory, 'keys'), { recursive: true })
    .map((name) => join(directory, 'keys', String(name)))
    .filter((path) => statSync(path).isFile());
}

test('keys that were last used before a time expire, a few at a time', async () => {
  const directory = temporaryFolder();
  const keys = new KeyStore(directory);
  for (let i = 0; i < 20; i += 1) await keys.hmac(`old-${i}`, 'text');
  const then = new Date(Date.now() - 2 * YEAR);
  for (const path of keyFiles(directory)) utimesSync(path, then, then);
  // One of them is used again.
  await keys.hmac('old-0', 'text');
  await keys.hmac('new', 'text');
  const expired = keys.expire(Date.now() - YEAR);
  // Each is overwritten on the disk, which takes its time: nobody else waits for that.
  expect(keyFiles(directory)).toHaveLength(21);
  await expired;
  expect(keyFiles(directory)).toHaveLength(2);
  expect(await keys.read('old-0')).toHaveLength(32);
  expect(await keys.read('old-1')).toBeUndefined();
});

test('a store without keys has none that expire', async () => {
  await new KeyStore(temporaryFolder()).expire(Date.now());
});
