import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Delivery, deliver, inAnyOrder, recordsOf, spansOf } from './deliveries.ts';
import { asSpansTell, expectedCalls } from './expected-calls.ts';
import { type Act, happenedThere, type Passage, type World } from './python-conserver.ts';
import { openStand } from './stand.ts';

const act = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Act>('same') },
  { weight: 3, arbitrary: fc.constantFrom<Act>('new', 'halt', 'raise', 'misnamed') },
);

/** Chains of one length have one plan. */
const passage = (i: number): fc.Arbitrary<Passage> =>
  fc
    .record({
      vcon: fc.constantFrom('u1', 'u2', 'u3'),
      acts: fc.array(act, { maxLength: 4 }),
      storages: fc.array(fc.record({ fails: fc.boolean() }), { maxLength: 2 }),
      parallel: fc.boolean(),
      start: fc.integer({ min: 0, max: 60 }).map((ms) => ms * 2.5 + i * 0.05),
      endsAfterFailure: fc.boolean(),
      leakedFrom: fc.option(fc.nat(Math.max(i - 1, 0)), { nil: undefined }),
      collectedIn: fc.oneof(
        { weight: 4, arbitrary: fc.constant([]) },
        { weight: 1, arbitrary: fc.uniqueArray(fc.nat(3), { maxLength: 2 }) },
      ),
      tracerFailsAt: fc.option(fc.nat(3), { nil: undefined, freq: 8 }),
    })
    .map(({ leakedFrom, tracerFailsAt, ...rest }) => ({
      ...rest,
      ...(isAlone(rest, leakedFrom, tracerFailsAt) && { vcon: `alone-${i}` }),
      // The storages of two runs, if the last link gave the vCon a uuid that nothing else shows, cannot be told apart.
      chain: `chain-${rest.acts.length}-${rest.storages.length}${rest.parallel && rest.acts.at(-1) === 'new' ? `-${i}` : ''}`,
      ...(i > 0 && leakedFrom !== undefined && { leakedFrom }),
      ...(tracerFailsAt !== undefined && { tracerFailsAt }),
    }));

/** Whether nobody could tell a passage from another of the same vCon through the same chain at the same time. */
function isAlone(
  { acts, storages, parallel, collectedIn, endsAfterFailure }: Omit<Passage, 'chain'>,
  leakedFrom: number | undefined,
  tracerFailsAt: number | undefined,
): boolean {
  // Storages without a parent.
  if (parallel && storages.length > 0) return true;
  // Links in the trace of a failed run, with a parent that never comes: it could be somebody's span within that run.
  const fails = tracerFailsAt !== undefined || acts.includes('raise') || acts.includes('misnamed');
  if (leakedFrom !== undefined && fails && !endsAfterFailure) return true;
  // Records without true ids.
  return collectedIn.length > 0;
}

const passages = fc
  .integer({ min: 1, max: 5 })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, i) => passage(i))));

async function heard(world: World, order: readonly Delivery[]) {
  const stand = await openStand({ plans: world.plans, settle: 10, timeout: 200 });
  deliver(stand.assembler, order);
  await stand.settled();
  await stand.close();
  return stand.runs().toSorted();
}

const truth = ({ heard }: World) => heard.map((run) => expectedCalls(run)).toSorted();

/** What a world sends, and in which order it comes. */
const worlds = (otel: boolean, sends: (world: World) => Delivery[], times: number) =>
  passages.chain((all) => {
    const world = happenedThere(all, otel);
    return fc.tuple(fc.constant(world), inAnyOrder(sends(world), times));
  });

// Most of the time is spent waiting until runs have settled.
describe.concurrent('any runs', () => {
  test('heard by records and spans in any order and repeated, are told as they were', async () => {
    const recordsAndSpans = worlds(true, (world) => [...recordsOf(world), ...spansOf(world)], 2);
    await fc.assert(
      fc.asyncProperty(recordsAndSpans, async ([world, order]) => {
        expect(await heard(world, order)).toEqual(truth(world));
      }),
      { numRuns: 300 },
    );
  });

  test('heard by spans alone in any order, are told as far as spans can tell', async () => {
    await fc.assert(
      fc.asyncProperty(worlds(true, spansOf, 1), async ([world, order]) => {
        const told = world.heardBySpans.map((run) => expectedCalls(asSpansTell(run)));
        expect(await heard(world, order)).toEqual(told.toSorted());
      }),
      { numRuns: 300 },
    );
  });
});
