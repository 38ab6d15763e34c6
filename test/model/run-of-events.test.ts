import fc from 'fast-check';
import { expect, test } from 'vitest';
import { frozenEvent } from '../../src/model/chain-event.ts';
import type { ChainEvent } from '../../src/model/event.ts';
import { runOfEvents } from '../../src/model/run-of-events.ts';
import { randomRun } from '../support/random-run.ts';

test('the events that a run made make that run, however far it had come', () => {
  fc.assert(
    fc.property(randomRun, ({ run, events }) => {
      const again = runOfEvents(events);
      expect(again).toEqual(run);
      expect(again.steps).toEqual(run.steps);
    }),
    { numRuns: 300 },
  );
});

test('of whatever events a journal still has a run is made', () => {
  fc.assert(
    fc.property(randomRun, fc.nat(), ({ events }, from) => {
      const kept = events.slice(from % events.length);
      const run = runOfEvents(kept);
      const [first] = kept as [ChainEvent, ...ChainEvent[]];
      expect([run.runId, run.chain]).toEqual([first.runId, first.chain]);
      expect(run.start).toBeLessThanOrEqual(first.time);
      const steps = new Set(
        kept.filter(({ stage }) => stage !== 'chain').map(({ spanContext }) => spanContext.spanId),
      );
      expect(run.steps.map(({ spanContext }) => spanContext.spanId).sort()).toEqual([...steps].sort());
    }),
  );
});

test('the run call of a link that somebody waited for does not say how the link ended', () => {
  const [sample] = fc.sample(
    randomRun.filter(({ run }) => run.steps[0]?.stage === 'link'),
    { numRuns: 1, seed: 1 },
  );
  const { events = [] } = sample ?? {};
  const [began, linkBegan] = events;
  if (!began || !linkBegan) throw new Error('a run with a link has two events at least');
  const called = frozenEvent({
    ...linkBegan,
    eventId: `${linkBegan.runId}/link/0/run`,
    phase: 'complete',
    calls: 'run',
  });
  expect(runOfEvents([began, linkBegan, called]).steps).toMatchObject([
    { phase: 'start', outcome: undefined },
  ]);
  expect(runOfEvents([...events.slice(0, 2), called, ...events.slice(2)])).toEqual(runOfEvents(events));
});

test('no run is made of no events', () => {
  expect(() => runOfEvents([])).toThrow(RangeError);
});
