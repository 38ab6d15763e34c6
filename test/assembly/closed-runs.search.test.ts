import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ClosedRun } from '../../src/assembly/closed-run.ts';
import { ClosedRuns } from '../../src/assembly/closed-runs.ts';
import { runs } from '../support/search.ts';

/** Few enough that runs share them, and of every form that is written in its own way. */
const TEXTS = [
  '',
  'r',
  'zażółć',
  'ab',
  'AB',
  'abc',
  '0123456789abcdef',
  'ab'.repeat(127),
  'ab'.repeat(128),
  'ü'.repeat(5_000),
  '01234567-89ab-4cde-8f01-23456789abcd',
  '01234567-89AB-4CDE-8F01-23456789ABCD',
  '01234567-89ab-4cde-8f01-23456789abc',
];
const texts = fc.constantFrom(...TEXTS);
const times = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constantFrom(1.5, 1_800_000_000_000.25, Infinity));

const closedRuns: fc.Arbitrary<ClosedRun> = fc.record(
  {
    id: texts,
    rootSpanId: fc.option(texts, { nil: undefined }),
    chain: texts,
    uuids: fc.uniqueArray(texts, { maxLength: 4 }),
    from: times,
    to: times,
    at: times,
    isHeadless: fc.boolean(),
    isFromInside: fc.boolean(),
  },
  { noNullPrototype: true },
);

/** The same, one run after the other. */
class PlainRuns {
  kept: ClosedRun[] = [];

  of = (root: string) => this.kept.findLast(({ rootSpanId }) => rootSpanId === root);
  hasId = (id: string) => this.kept.some((run) => run.id === id);
  at = (uuid: string, time: number) => {
    const run = this.kept.findLast(({ uuids }) => uuids.includes(uuid));
    return run && time >= run.from && time <= run.to ? run : undefined;
  };
}

const steps = fc.oneof(
  { weight: 8, arbitrary: fc.record({ add: closedRuns, times: fc.constantFrom(1, 1, 1, 700) }) },
  { weight: 1, arbitrary: fc.record({ forget: fc.constantFrom(0, 1, 5, 1_000, 2_000) }) },
  { weight: 1, arbitrary: fc.constant({ restart: true }) },
);

test('closed runs are found by what they went by, the last one first, until they are forgotten', () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 40 }), (all) => {
      let closed = new ClosedRuns();
      const plain = new PlainRuns();
      for (const step of all) {
        if ('add' in step)
          for (let i = 0; i < step.times; i += 1) {
            closed.add(step.add);
            plain.kept.push(step.add);
          }
        if ('forget' in step) {
          closed.forget(step.forget);
          plain.kept = plain.kept.slice(step.forget);
        }
        if ('restart' in step) {
          const { packed } = closed;
          closed = new ClosedRuns();
          for (const some of packed) closed.restore(some);
        }
        for (const text of TEXTS) {
          expect(closed.of(text)).toStrictEqual(plain.of(text));
          expect(closed.hasId(text)).toBe(plain.hasId(text));
          expect(closed.at(text, 5)).toStrictEqual(plain.at(text, 5));
        }
      }
    }),
    { numRuns: runs(300) },
  );
});

test('what is packed stays as it is, whatever is added and forgotten', () => {
  const closed = new ClosedRuns();
  const run = (id: string): ClosedRun => ({
    ...{ id, rootSpanId: undefined, chain: 'main', uuids: [id], from: 1, to: 2, at: 3 },
    ...{ isHeadless: false, isFromInside: true },
  });
  for (let i = 0; i < 1_500; i += 1) closed.add(run(`early ${i}`));
  closed.forget(2);
  const { packed } = closed;
  for (let i = 0; i < 1_500; i += 1) closed.add(run(`late ${i}`));
  closed.forget(1_400);
  const restored = new ClosedRuns();
  for (const some of packed) restored.restore(some);
  const there = [0, 1, 2, 1_023, 1_024, 1_499].map((i) => restored.hasId(`early ${i}`));
  expect(there).toEqual([false, false, true, true, true, true]);
  expect(restored.hasId('late 0')).toBe(false);
});

test('as many are outdated as were closed too long ago, or are too many', () => {
  const closed = new ClosedRuns();
  for (let at = 0; at < 2_000; at += 1)
    closed.add({
      ...{ id: `${at}`, rootSpanId: `${at}`, chain: 'main', uuids: [], from: at, to: at, at },
      ...{ isHeadless: false, isFromInside: false },
    });
  expect(closed.outdated(2_000, 1_500)).toBe(501);
  closed.forget(501);
  expect(closed.outdated(2_000, 1_500)).toBe(0);
  expect(closed.outdated(9_000, 0)).toBe(1_499);
});
