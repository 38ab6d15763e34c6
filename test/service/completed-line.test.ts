import { pino } from 'pino';
import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config/load-config.ts';
import { completedLine } from '../../src/service/completed-line.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { linkContext } from '../tracers/started.ts';

const { tracers } = parseConfig(
  { tracers: { audit: { module: 'tracers.compliance' }, mine: { module: { trace() {} } } } },
  {},
).config;

function start(level: string) {
  const lines: Record<string, unknown>[] = [];
  const log = pino(
    { level, base: null, timestamp: false },
    { write: (line) => void lines.push(JSON.parse(line)) },
  );
  const clock = new ManualClock();
  return { lines, clock, completed: completedLine(log, tracers, clock) };
}

test('the documented line is written at info, with the documented fields and ours', () => {
  const { lines, completed } = start('info');
  const event = linkContext();
  completed?.('audit', 'trace', event, 0.25);
  const vcon_uuid = event.outVconUuid;
  expect(lines).toEqual([
    {
      level: 30,
      tracer_processing_time: 0.25,
      tracer_name: 'audit',
      tracer_module_name: 'tracers.compliance',
      tracer: 'audit',
      module: 'tracers.compliance',
      call: 'trace',
      vcon_uuid,
      event_id: event.eventId,
      seconds: 0.25,
      msg: `Completed tracer audit (module: tracers.compliance) for vCon: ${vcon_uuid} in 0.25 seconds`,
    },
  ]);
  completed?.('mine', 'run', event, 1);
  expect(lines[1]).toMatchObject({ tracer_module_name: 'given by code', call: 'run' });
  completed?.('exporters.otlp', 'run', event, 1);
  expect(lines).toHaveLength(2);
});

test('of thousands a second some are written, and how many are not; at debug all are', async () => {
  const { lines, clock, completed } = start('info');
  for (let i = 0; i < 3_000; i += 1) completed?.('audit', 'trace', linkContext(), 0);
  expect(lines).toHaveLength(500);
  await clock.pass(1_000);
  expect(lines.at(-1)).toEqual({
    level: 30,
    calls: 2_500,
    msg: expect.stringMatching(/^2500 more calls of tracers/),
  });
  for (let i = 0; i < 3_000; i += 1) completed?.('audit', 'trace', linkContext(), 0);
  await clock.pass(1_000);
  expect(lines).toHaveLength(501 + 51);
  for (let i = 0; i < 400; i += 1) completed?.('audit', 'trace', linkContext(), 0);
  await clock.pass(1_000);
  expect(lines).toHaveLength(552 + 51);
  for (let i = 0; i < 400; i += 1) completed?.('audit', 'trace', linkContext(), 0);
  expect(lines).toHaveLength(603 + 400);
  const all = start('debug');
  for (let i = 0; i < 3_000; i += 1) all.completed?.('audit', 'trace', linkContext(), 0);
  expect(all.lines).toHaveLength(3_000);
});

test('where info is not written, it costs nothing', () => {
  expect(start('warn').completed).toBeUndefined();
});
