import { expect, test } from 'vitest';
import { renderRun, runOfEvents, runRecord } from '../../src/timeline/index.ts';
import { NOON, OTHER_VCON, runEvents, VCON } from './kept-runs.ts';

test('a run that is over is told as its events tell it', () => {
  expect(runOfEvents(runEvents({ id: 'a', out: OTHER_VCON }))).toEqual({
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
  const run = runOfEvents(runEvents({ id: 'a', fails: true }));
  expect(run).toMatchObject({ outcome: 'error', errorType: 'ECONNREFUSED' });
  expect(run.steps).toMatchObject([{ outcome: 'error', errorType: 'ECONNREFUSED' }]);
});

test('a halted run and its link say so', () => {
  const [start, begin, end, last] = runEvents({ id: 'a' });
  if (!start || !begin || !end || !last) throw new Error('too few events');
  const run = runOfEvents([start, begin, { ...end, outcome: 'halt' }, { ...last, outcome: 'halted' }]);
  expect(run.outcome).toBe('halted');
  expect(run.steps[0]?.outcome).toBe('halt');
});

test('an open run is drawn up to its latest event, without an outcome', () => {
  const run = runOfEvents(runEvents({ id: 'a', upTo: 2 }));
  expect(run).toMatchObject({ outcome: undefined, truncated: true, open: true, duration: 0.01 });
  expect(run.steps).toMatchObject([{ outcome: undefined, start: 0.01, duration: 0 }]);
  const [headline, , step] = renderRun(run, { width: 100, colour: false }).split('\n');
  expect(headline).toBe(`? main  ${VCON}  not over yet  ~10 ms`);
  expect(step).toMatch(/^ {2}\? link\.tag .* 0 µs$/);
  expect(runRecord(run)).toMatchObject({ outcome: null, truncated: true, steps: [{ outcome: null }] });
});

test('a run of which the journal has forgotten the beginning begins where its end says', () => {
  const run = runOfEvents(runEvents({ id: 'a' }).slice(2));
  expect(run).toMatchObject({ start: NOON, duration: 0.1, outcome: 'complete' });
  expect(run.steps).toMatchObject([{ name: 'tag', start: 0.01, duration: 0.03 }]);
});

test('a run without its chain begins with its first step', () => {
  const run = runOfEvents(runEvents({ id: 'a' }).slice(1, 3));
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
  const { steps } = runOfEvents([start, stored('storage/s3', 5), stored('storage/s3~2', 8)]);
  expect(steps).toMatchObject([
    { stage: 'storage', name: 's3', start: 0.005, duration: 0.003, outVconUuid: undefined },
    { stage: 'storage', name: 's3', start: 0.008 },
  ]);
});

test('no run is made of no events', () => {
  expect(() => runOfEvents([])).toThrow(RangeError);
});
