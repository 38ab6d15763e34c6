import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { OutageLog } from '../../src/exporters/outage-log.ts';
import { recordLog } from './recorded-log.ts';

let log: ReturnType<typeof recordLog>;
beforeEach(() => {
  log = recordLog();
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
  log.stop();
});

const CANNOT = 'vcon-otel/exporters spans cannot be exported (ECONNREFUSED): they are kept, and sent again';

test('an outage is two lines, however many tries fail', () => {
  const outages = new OutageLog();
  for (let i = 0; i < 100; i += 1) {
    outages.failed('ECONNREFUSED');
    vi.advanceTimersByTime(5_000);
  }
  for (let i = 0; i < 3; i += 1) outages.succeeded();
  expect(log.lines).toEqual([CANNOT, 'vcon-otel/exporters spans are exported again, after 500.0 s']);
});

test('one that soon follows another is told when it lasts', () => {
  const outages = new OutageLog();
  outages.failed('ECONNREFUSED');
  outages.succeeded();
  for (let i = 0; i < 5; i += 1) {
    vi.advanceTimersByTime(5_000);
    outages.failed('ECONNREFUSED');
    vi.advanceTimersByTime(1_000);
    outages.succeeded();
  }
  expect(log.lines.length).toBe(2);
  for (let i = 0; i < 10; i += 1) {
    vi.advanceTimersByTime(10_000);
    outages.failed('ECONNREFUSED');
  }
  outages.succeeded();
  expect(log.lines.slice(2)).toEqual([CANNOT, 'vcon-otel/exporters spans are exported again, after 90.0 s']);
});
