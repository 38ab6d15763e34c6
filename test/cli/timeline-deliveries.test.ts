import { expect, test } from 'vitest';
import {
  deliveryRecord,
  type RunDelivery,
  renderDeliveries,
  renderTable,
} from '../../src/cli/timeline/index.ts';

function delivery(of: Partial<RunDelivery>): RunDelivery {
  return {
    tracer: 'audit',
    eventId: 'run/link/0/complete',
    event: 'link_complete tag',
    outcome: 'ok',
    attempts: 1,
    latency: 0.01,
    duration: 0.005,
    errorType: undefined,
    ...of,
  };
}

const drawn = (...deliveries: Partial<RunDelivery>[]) =>
  renderDeliveries(deliveries.map(delivery), false).split('\n').slice(1);

test('what a tracer has heard is counted, with the median and the longest latency', () => {
  expect(drawn({ latency: 0.001 }, { latency: 0.002, attempts: 3 }, { latency: 5 })).toEqual([
    '  ✓ audit  3 of 3 delivered, 2 more attempts  median 2.0 ms, max 5.00 s',
  ]);
});

test('what is waiting is told from its first event on, with what stopped it', () => {
  expect(
    drawn(
      {},
      { outcome: 'retry', latency: undefined, attempts: 4, errorType: 'ECONNREFUSED' },
      { outcome: 'waiting', latency: undefined, attempts: 0, event: 'chain_complete' },
    ),
  ).toEqual([
    '  … audit  1 of 3 delivered, 3 more attempts  median 10 ms, max 10 ms',
    '      2 waiting, from link_complete tag on; ECONNREFUSED after 4 attempts',
  ]);
});

test('dead letters are told one by one with their reason, five at most', () => {
  const dead = (attempts: number) => ({ outcome: 'dead' as const, attempts, errorType: 'HTTP_400' });
  expect(
    drawn(dead(1), { ...dead(1), errorType: 'returned_false' }, dead(3), dead(1), dead(1), dead(1), dead(1)),
  ).toEqual([
    '  ✗ audit  0 of 7 delivered, 2 more attempts',
    '      dead: link_complete tag, HTTP_400 after 1 attempt',
    '      dead: link_complete tag, returned_false after 1 attempt',
    '      dead: link_complete tag, HTTP_400 after 3 attempts',
    '      dead: link_complete tag, HTTP_400 after 1 attempt',
    '      dead: link_complete tag, HTTP_400 after 1 attempt',
    '      and 2 more',
  ]);
});

test('what was skipped is not among what is to be delivered, what was dropped is', () => {
  expect(drawn({}, { outcome: 'skipped' }, { outcome: 'dropped' })).toEqual([
    '  ✗ audit  1 of 2 delivered, 1 skipped, 1 dropped  median 10 ms, max 10 ms',
  ]);
});

test('tracers stand below each other, their names in one column; colours only where they are wanted', () => {
  const two = [delivery({}), delivery({ tracer: 'a\u001b[31m' })];
  expect(
    renderDeliveries(two, false)
      .split('\n')
      .map((line) => line.slice(0, 12)),
  ).toEqual(['  tracers', '  ✓ audit  1', '  ✓ a      1']);
  expect(renderDeliveries(two, true)).toContain('\u001b[32m✓\u001b[39m');
  expect(renderDeliveries([], true)).toBe('');
});

test('a delivery travels in snake case, null for what is not known', () => {
  expect(
    deliveryRecord(delivery({ outcome: 'waiting', latency: undefined, duration: undefined, attempts: 0 })),
  ).toEqual({
    event_id: 'run/link/0/complete',
    tracer: 'audit',
    outcome: 'waiting',
    attempts: 0,
    latency: null,
    duration: null,
    error_type: null,
  });
});

test('a table has numbers at the right and no control characters', () => {
  expect(
    renderTable(
      ['name', 'count', 'note'],
      [
        ['日本', 1_234, ''],
        ['b\u001b[2J', 5, 'x'],
      ],
    ),
  ).toBe('name  count  note\n日本  1,234\nb         5  x\n');
});
