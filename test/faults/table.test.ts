import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

test('every row of docs/faults.md names a test that is there', () => {
  const text = readFileSync(join(ROOT, 'docs/faults.md'), 'utf8');
  const files = [...text.matchAll(/\| `(test\/[^`]+\.test\.ts)` \|$/gm)].map(([, file = '']) => file);
  expect(files.length).toBeGreaterThan(15);
  expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
});
