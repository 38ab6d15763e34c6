import { describe, expect, test } from 'vitest';
import { chainEvent } from '../../src/model/chain-event.ts';
import { eventName } from '../../src/model/event.ts';
import { GrowingRun } from '../../src/model/growing-run.ts';

const CHAIN = { traceId: 'a'.repeat(32), spanId: 'a'.repeat(16), traceFlags: 1 };
const STEP = { ...CHAIN, spanId: 'b'.repeat(16) };
const WELL = { end: 30, duration: 0.02, outcome: 'success', errorType: undefined, inferred: [] } as const;

function begin(inferred: readonly string[] = []): GrowingRun {
  return new GrowingRun({
    runId: 'r',
    spanContext: CHAIN,
    chain: 'main',
    links: ['tag'],
    inVconUuid: 'V',
    start: 10,
    inferred,
  });
}

test('a run is told by one event for each thing that becomes known of it', () => {
  const run = begin();
  const started = chainEvent(run);
  const link = run.beginStep({
    stage: 'link',
    name: 'tag',
    index: 0,
    spanContext: STEP,
    inVconUuid: 'V',
    start: 12,
    inferred: [],
  });
  const linkStarted = chainEvent(run, link);
  run.endStep(link, { ...WELL, outVconUuid: 'N' });
  const linkEnded = chainEvent(run, link);
  run.finish({ ...WELL, outcome: 'complete', outVconUuid: 'N', end: 40, duration: 0.03 });
  const ended = chainEvent(run);
  expect([started, linkStarted, linkEnded, ended].map(({ eventId }) => eventId)).toEqual([
    'r/chain/start',
    'r/link/0/start',
    'r/link/0/complete',
    'r/chain/complete',
  ]);
  expect(started).toMatchObject({ outcome: undefined, time: 10, inVconUuid: 'V', outVconUuid: 'V' });
  expect(linkEnded).toEqual({
    eventId: 'r/link/0/complete',
    runId: 'r',
    stage: 'link',
    phase: 'complete',
    chain: 'main',
    links: ['tag'],
    link: 'tag',
    linkIndex: 0,
    storage: undefined,
    inVconUuid: 'V',
    outVconUuid: 'N',
    outcome: 'success',
    errorType: undefined,
    time: 30,
    duration: 0.02,
    spanContext: STEP,
    vconSha256: undefined,
    inferred: [],
  });
  expect(ended).toMatchObject({ time: 40, inVconUuid: 'V', outVconUuid: 'N', outcome: 'complete' });
  expect(Object.isFrozen(ended)).toBe(true);
});

test('the same storage written twice in one run is two steps', () => {
  const run = begin();
  const storage = { stage: 'storage', name: 's', inVconUuid: 'V', start: 1, inferred: [] } as const;
  const ids = [1, 2].map(() => chainEvent(run, run.beginStep({ ...storage, spanContext: STEP })).eventId);
  expect(ids).toEqual(['r/storage/s/start', 'r/storage/s~2/start']);
});

test('what was concluded of a start holds for its end too, but for its time', () => {
  const run = begin(['links', 'time']);
  run.finish({ ...WELL, outcome: 'complete', outVconUuid: 'V', inferred: ['outcome'] });
  expect(chainEvent(run).inferred).toEqual(['links', 'outcome']);
});

describe('a chain whose end cannot be known', () => {
  const lost = begin();
  lost.finish({ ...WELL, outcome: 'unknown', outVconUuid: 'V', lost: true });

  test('ends with chain_lost', () => {
    const event = chainEvent(lost);
    expect([eventName(event), event.eventId, event.outcome]).toEqual([
      'chain_lost',
      'r/chain/lost',
      'unknown',
    ]);
  });

  test('is another than one that ended well in a way that cannot be known', () => {
    const run = begin();
    run.finish({ ...WELL, outcome: 'unknown', outVconUuid: 'V' });
    expect(eventName(chainEvent(run))).toBe('chain_complete');
  });
});

test('of a run with very many steps the first are kept', () => {
  const run = begin();
  for (let i = 0; i < 3_000; i += 1)
    run.beginStep({
      stage: 'storage',
      name: 's',
      spanContext: STEP,
      inVconUuid: 'V',
      start: 1,
      inferred: [],
    });
  expect(run.steps.length).toBe(2_000);
});
