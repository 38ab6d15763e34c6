import { expect, test } from 'vitest';
import { drawnRun, renderRun, runRecord } from '../../src/cli/timeline/index.ts';
import type { ChainEvent } from '../../src/model/event.ts';
import { runOfEvents } from '../../src/model/run-of-events.ts';
import { NOON, OTHER_VCON, runEvents, VCON } from './kept-runs.ts';

const drawn = (events: readonly ChainEvent[]) => drawnRun(runOfEvents(events), { open: true });

test('a run that is over is told as its events tell it', () => {
  expect(drawn(runEvents({ id: 'a', out: OTHER_VCON }))).toEqual({
    runId: 'a000000000000000',
    traceId: 'a000000000000000a000000000000000',
    chain: 'main',
    vconUuid: VCON,
    outVconUuid: OTHER_VCON,
    outcome: 'complete',
    errorType: undefined,
    start: NOON,
    duration: 0.1,
    truncated: false,
    linkedFrom: [],
    late: 0,
    steps: [
      {
        stage: 'link',
        name: 'tag',
        index: 0,
        outcome: 'success',
        errorType: undefined,
        start: 0.01,
        duration: 0.03,
        depth: 0,
        vconUuid: VCON,
        outVconUuid: OTHER_VCON,
      },
    ],
    inferred: [],
  });
});

test('a run that failed has the error of its end', () => {
  const run = drawn(runEvents({ id: 'a', fails: true }));
  expect(run).toMatchObject({ outcome: 'error', errorType: 'ECONNREFUSED' });
  expect(run.steps).toMatchObject([{ outcome: 'error', errorType: 'ECONNREFUSED' }]);
});

test('a halted run and its link say so', () => {
  const [start, begin, end, last] = runEvents({ id: 'a' });
  if (!start || !begin || !end || !last) throw new Error('too few events');
  const run = drawn([start, begin, { ...end, outcome: 'halt' }, { ...last, outcome: 'halted' }]);
  expect(run.outcome).toBe('halted');
  expect(run.steps[0]?.outcome).toBe('halt');
});

test('an open run is drawn up to its latest event, without an outcome', () => {
  const run = drawn(runEvents({ id: 'a', upTo: 2 }));
  expect(run).toMatchObject({ outcome: undefined, truncated: true, open: true, duration: 0.01 });
  expect(run.steps).toMatchObject([{ outcome: undefined, start: 0.01, duration: 0 }]);
  const [headline, , step] = renderRun(run, { width: 100, colour: false }).split('\n');
  expect(headline).toBe(`? main  ${VCON}  not over yet  ~10 ms`);
  expect(step).toMatch(/^ {2}\? link\.tag .* ~0 µs$/);
  expect(runRecord(run)).toMatchObject({ outcome: null, truncated: true, steps: [{ outcome: null }] });
});

test('a run of which the journal has forgotten the beginning begins where its end says', () => {
  const run = drawn(runEvents({ id: 'a' }).slice(2));
  expect(run).toMatchObject({ start: NOON, duration: 0.1, outcome: 'complete' });
  expect(run.steps).toMatchObject([{ name: 'tag', start: 0.01, duration: 0.03 }]);
});

test('a run without its chain begins with its first step', () => {
  const run = drawn(runEvents({ id: 'a' }).slice(1, 3));
  expect(run).toMatchObject({
    chain: 'main',
    vconUuid: VCON,
    start: NOON + 10,
    duration: 0.03,
    truncated: true,
  });
});

test('the same storage twice is two steps', () => {
  const [start] = runEvents({ id: 'a' });
  if (!start) throw new Error('too few events');
  const stored = (key: string, at: number) => ({
    ...start,
    eventId: `${start.runId}/${key}/start`,
    stage: 'storage' as const,
    storage: 's3',
    time: NOON + at,
  });
  const { steps } = drawn([start, stored('storage/s3', 5), stored('storage/s3~2', 8)]);
  expect(steps).toMatchObject([
    { stage: 'storage', name: 's3', start: 0.005, duration: 0.003, outVconUuid: undefined },
    { stage: 'storage', name: 's3', start: 0.008 },
  ]);
});

test('a run whose end cannot be known says so, and is neither an error nor a success', () => {
  const [start] = runEvents({ id: 'a' });
  if (!start) throw new Error('too few events');
  const lost = {
    ...start,
    eventId: `${start.runId}/chain/lost`,
    phase: 'lost',
    outcome: 'unknown',
    duration: 0.2,
    inferred: ['outcome'],
  } as const;
  const run = drawn([start, lost]);
  expect(run).toMatchObject({ outcome: 'unknown', truncated: true, errorType: undefined });
  expect(renderRun(run, { width: 100, colour: false })).toBe(
    `? main  ${VCON}  unknown  its end is not known  200 ms\n  trace a000000000000000a000000000000000`,
  );
  expect(runRecord(run)).toMatchObject({ outcome: 'unknown', inferred: ['outcome'] });
});
