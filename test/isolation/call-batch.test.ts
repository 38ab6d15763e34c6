import { createTraceState } from '@opentelemetry/api';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Call, decodeCalls, encodeCalls } from '../../src/isolation/call-batch.ts';
import { SharedState } from '../../src/isolation/shared-state.ts';
import type { ChainEvent } from '../../src/model/event.ts';
import { randomEvents } from '../support/random-run.ts';
import { runs } from '../support/search.ts';

const calls = randomEvents.map((events) =>
  events.map(
    (_, id): Call => ({
      id,
      runIndex: id % 2 === 0 ? undefined : id - 2,
      events: events.slice(id, id % 3 === 0 ? events.length : id + 1),
    }),
  ),
);

test('calls cross as they are, whatever their events hold', () => {
  fc.assert(
    fc.property(
      calls,
      fc.constantFrom(undefined, 'trace', 'run', 'none'),
      fc.constantFrom(undefined, 'one'),
      (made, only, sender) => {
        const sent = made.map(({ events, ...call }) => ({
          ...call,
          events: events.map((event) => ({
            ...event,
            sender,
            ...(only === undefined ? {} : { calls: only }),
          })),
        }));
        const got = decodeCalls(encodeCalls(sent));
        expect(got).toEqual(sent);
        for (const event of got.flatMap(({ events }) => events))
          expect([event, event.links, event.inferred, event.spanContext].every(Object.isFrozen)).toBe(true);
      },
    ),
    { numRuns: runs(300) },
  );
});

const [one] = fc.sample(randomEvents, { numRuns: 1, seed: 1 }).flat();

test('a trace state crosses as what it says', () => {
  const spanContext = { traceId: 'a', spanId: 'b', traceFlags: 1, traceState: createTraceState('a=1,b=2') };
  const [got] = decodeCalls(
    encodeCalls([{ id: 1, runIndex: 0, events: [{ ...one, spanContext } as ChainEvent] }]),
  );
  expect(got?.events[0]?.spanContext.traceState?.serialize()).toBe('a=1,b=2');
});

test('links that many events share cross once', () => {
  const links = [...Array(1_000).keys()].map(String);
  const many = [...Array(100).keys()].map((id) => ({
    id,
    runIndex: 0,
    events: [{ ...one, links } as ChainEvent],
  }));
  expect(encodeCalls(many).length).toBeLessThan(2 * encodeCalls(many.slice(0, 1)).length + 100_000);
  const events = decodeCalls(encodeCalls(many)).flatMap((call) => call.events.map((event) => event.links));
  expect(new Set(events).size).toBe(1);
});

test('an answer in shared memory is that of the call itself, not of one before it in its place', () => {
  const here = new SharedState(4);
  const there = new SharedState(here.buffer);
  there.settle(3, 'refused');
  expect([3, 7, 2 ** 29 - 1].map((call) => here.answerOf(call))).toEqual(['refused', undefined, undefined]);
  there.settle(2 ** 29 - 1, 'answered');
  expect([3, 7, 2 ** 29 - 1].map((call) => here.answerOf(call))).toEqual([undefined, undefined, 'answered']);
});
