import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** What a process with so little memory says, see small-heap-child.ts. */
function inSmallHeap(): Record<string, unknown> {
  const script = join(import.meta.dirname, 'small-heap-child.ts');
  const { stdout, stderr } = spawnSync(process.execPath, ['--max-old-space-size=64', script], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

test('where no file can be opened any more, its memory is not known, and nothing ends for that', () => {
  const script = join(import.meta.dirname, 'without-files-child.ts');
  // Fewer than the process may have by default make it quicker.
  const { stdout, stderr } = spawnSync(
    'sh',
    ['-c', 'ulimit -n 200 && exec "$0" "$1"', process.execPath, script],
    {
      encoding: 'utf8',
    },
  );
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual({ without: null, isTight: false, after: 'number' });
});

test('a small heap is told what it may hold, says when it is tight, and when it is not any more', () => {
  expect(inSmallHeap()).toEqual({
    limit: 64,
    few: 1_048,
    usual: 10,
    dropped: 10_000 - 4_194,
    bodies: [
      [200, expect.any(String)],
      [200, expect.any(String)],
      [413, expect.stringContaining('1048576 bytes')],
    ],
    before: false,
    tight: true,
    relieved: true,
    after: false,
  });
});
