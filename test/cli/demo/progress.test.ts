import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DemoProgress } from '../../../src/cli/demo/progress.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** What is written while ten minutes pass, with a run each second. */
function tenMinutes(settings: { isTTY?: boolean; interval?: number }): string {
  const { isTTY = false, interval } = settings;
  const stderr = Object.assign(new PassThrough(), { isTTY });
  const progress = new DemoProgress(stderr, { title: 'Running', ...(interval && { interval }) });
  for (let i = 0; i < 600; i += 1) {
    vi.advanceTimersByTime(1_000);
    progress.ran(i % 10 === 0 ? 'halted' : 'complete');
  }
  progress.done();
  progress.end();
  return String(stderr.read());
}

test('without a terminal there is a line now and then, if it is asked for, and one at the end', () => {
  const end = '1 vCon, 600 runs: 540 complete, 60 halted, 0 failed';
  expect(tenMinutes({})).toBe(`Running …\n${end}\n`);
  const lines = tenMinutes({ interval: 60_000 }).trimEnd().split('\n');
  expect(lines.slice(0, 3)).toEqual([
    'Running …',
    '0 vCons, 60 runs: 54 complete, 6 halted, 0 failed',
    '0 vCons, 120 runs: 108 complete, 12 halted, 0 failed',
  ]);
  expect([lines.length, lines.at(-1)]).toEqual([12, end]);
});

test('on a terminal one line is drawn again and again', () => {
  const text = tenMinutes({ isTTY: true });
  expect(text.split('\r\u001b[K').length).toBe(602);
  expect(text).not.toContain('\n');
});
