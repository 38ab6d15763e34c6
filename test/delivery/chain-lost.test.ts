import { expect, test } from 'vitest';
import { TracerDelivery } from '../../src/service/tracer-delivery.ts';
import { lostRun } from '../../src/testing/lost-run.ts';
import { inShort, recordingTracer } from '../support/recording-tracer.ts';

test('a chain whose end cannot be known makes one trace call and no run call, and ends its run', async () => {
  const { calls, tracer } = recordingTracer();
  const delivery = new TracerDelivery({
    tracers: [{ name: 'heard', module: tracer, options: { dlq_vcon_on_error: true } }],
  });
  const [began, lost] = lostRun();
  if (!began || !lost) throw new Error('a run has a beginning and an end');
  for (const event of [began, lost]) delivery.accept(event);
  await delivery.delivered(began.runId);
  await delivery.flush();
  expect(calls.map(inShort)).toEqual([`chain_start ${began.inVconUuid}`, `chain_lost ${began.inVconUuid}`]);
  expect(calls.at(-1)?.context).toMatchObject({ outcome: 'unknown', errorType: undefined });
  await delivery.end();
});

test('a tracer that switches it off hears no end of such a run', async () => {
  const { calls, tracer } = recordingTracer();
  const delivery = new TracerDelivery({
    tracers: [{ name: 'heard', module: tracer, delivery: { chainLost: false } }],
  });
  const events = lostRun();
  for (const event of events) delivery.accept(event);
  await delivery.flush();
  expect(calls.map(inShort)).toEqual([`chain_start ${events[0]?.inVconUuid}`]);
  expect(delivery.workers[0]?.stats.ok).toBe(events.length);
  await delivery.end();
});
