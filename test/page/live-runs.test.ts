import { expect, test } from 'vitest';
import { GrowingRun } from '../../src/model/growing-run.ts';
import { LiveRuns } from '../../src/page/live/live-runs.ts';
import { TracerRows } from '../../src/page/live/tracer-rows.ts';
import { VconWatch } from '../../src/page/live/vcon-watch.ts';
import { ManualClock } from '../support/manual-clock.ts';

const UUID = '0191e5a0-7c4f-8f6e-8b6a-3c1d2e4f5a6b';
const OTHER = '0191e5a0-7c4f-8f6e-8b6a-3c1d2e4f5a6c';

let runs = 0;

function begun(clock: ManualClock, chain = 'main', inVconUuid = UUID): GrowingRun {
  runs += 1;
  const spanId = runs.toString(16).padStart(16, '0');
  const spanContext = { traceId: 'a'.repeat(32), spanId, traceFlags: 1 };
  return new GrowingRun({
    ...{ runId: spanId, chain, links: ['tag'], spanContext, start: clock.now(), inferred: [], inVconUuid },
  });
}

function ended(run: GrowingRun, clock: ManualClock, outVconUuid = UUID): GrowingRun {
  const duration = (clock.now() - run.start) / 1e3;
  run.finish({
    ...{ outVconUuid, end: clock.now(), duration, outcome: 'complete', errorType: undefined, inferred: [] },
  });
  return run;
}

test('a run that takes longer than 99 of 100 of its chain is told as stalled, once, and counted', async () => {
  const clock = new ManualClock();
  const live = new LiveRuns(clock);
  live.watch();
  for (let i = 0; i < 100; i += 1) {
    const run = begun(clock);
    live.began(run);
    await clock.pass(1_000);
    live.ended(ended(run, clock));
  }
  const run = begun(clock);
  live.began(run);
  const unknown = begun(clock, 'another');
  live.began(unknown);
  // One at each end of the minute: what has just ended counts.
  expect(live.pulses().map(({ p99, per_minute }) => [p99, per_minute])).toEqual([
    [1, 61],
    [null, 0],
  ]);
  await clock.pass(999);
  live.changes();
  expect(live.stalled).toBe(0);
  expect(live.changes().runs).toEqual([]);
  await clock.pass(2);
  expect(live.stalled).toBe(1);
  expect(live.changes().runs).toMatchObject([{ id: run.runId, stalled: true }]);
  expect(live.changes().runs).toEqual([]);
  expect(
    live
      .rows()
      .map(({ stalled }) => stalled)
      .slice(0, 3),
  ).toEqual([true, false, false]);
  live.ended(ended(run, clock));
  expect(live.changes().runs).toMatchObject([{ id: run.runId, stalled: false, outcome: 'complete' }]);
  expect(live.stalled).toBe(0);
});

test('the rate of a tracer, and what a call takes, are those of the last ten seconds', () => {
  const none = { pending: 0, circuit: 'closed', retrying: 0, deadLetters: 0, oldestAge: 0 };
  const standing = { ...none, ok: 0, retried: 0, dead: 0, dropped: 0, skipped: 0, took: 0 };
  const rows = new TracerRows(() => ({ audit: standing }));
  const rate = (at: number, ok: number) => {
    standing.ok = ok;
    return rows.look(at)[0]?.rate;
  };
  expect([rate(0, 1_000), rate(1_000, 1_010), rate(2_000, 1_010)]).toEqual([0, 10, 5]);
  expect([rate(11_500, 1_010), rate(12_500, 1_020)]).toEqual([0, 10]);
  // It was made anew.
  expect([rate(13_500, 5), rate(14_500, 7)]).toEqual([0, 2]);
  expect(rows.look(14_500)[0]?.latency).toBe(0);
  standing.took = 0.5;
  expect(rate(15_500, 9) && rows.look(15_500)[0]?.latency).toBe(0.125);
  expect(rows.look(30_000)[0]?.latency).toBeNull();
});

test('whoever watches a vCon is told each change of its runs, also when it goes on under another uuid', () => {
  const clock = new ManualClock();
  const live = new LiveRuns(clock);
  const before = begun(clock);
  live.began(before);
  const watch = new VconWatch(live, UUID);
  expect(watch.changes()).toMatchObject([{ id: before.runId, duration: null, steps: [] }]);
  expect(watch.changes()).toEqual([]);
  const spanContext = { ...before.spanContext, spanId: 'b'.repeat(16) };
  before.beginStep({
    ...{ stage: 'link', name: 'tag', index: 0, spanContext, start: clock.now(), inferred: [] },
    inVconUuid: UUID,
  });
  expect(watch.changes()).toMatchObject([{ steps: [{ name: 'tag', duration: null }] }]);
  const stranger = begun(clock, 'main', OTHER);
  live.began(stranger);
  expect(watch.changes()).toEqual([]);
  live.ended(ended(before, clock, OTHER));
  expect(watch.changes()).toMatchObject([{ id: before.runId, outcome: 'complete' }, { id: stranger.runId }]);
  const later = begun(clock, 'later', OTHER);
  live.began(later);
  live.abandoned(later);
  expect(watch.changes()).toMatchObject([{ id: later.runId, duration: null, lost: true }]);
  watch.end();
  live.began(begun(clock, 'main', OTHER));
  expect(watch.changes()).toEqual([]);
});
