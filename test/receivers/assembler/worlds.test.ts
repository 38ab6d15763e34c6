import fc from 'fast-check';
import { expect, test } from 'vitest';
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
      // Without ids, two passages of one vCon at the same time cannot be told from each other.
      ...(rest.collectedIn.length > 0 && { vcon: `alone-${i}` }),
      chain: `chain-${rest.acts.length}-${rest.storages.length}`,
      ...(i > 0 && leakedFrom !== undefined && { leakedFrom }),
      ...(tracerFailsAt !== undefined && { tracerFailsAt }),
    }));

const passages = fc
  .integer({ min: 1, max: 5 })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, i) => passage(i))));

type Delivery = (stand: Awaited<ReturnType<typeof openStand>>) => void;

function deliveries({ spans, records }: World): Delivery[] {
  return [
    ...spans.map(
      (span): Delivery =>
        ({ assembler }) =>
          assembler.spans([span]),
    ),
    ...records.map(
      (record): Delivery =>
        ({ assembler }) =>
          void assembler.record(record),
    ),
  ];
}

async function heard(world: World, order: readonly Delivery[], settings = {}) {
  const stand = await openStand({ plans: world.plans, ...settings });
  for (const deliver of order) deliver(stand);
  await stand.settled();
  await stand.close();
  return stand;
}

const truth = ({ heard }: World) => heard.map((run) => expectedCalls(run)).toSorted();

test('any runs, heard by records and spans in any order and repeated, are told as they were', async () => {
  await fc.assert(
    fc.asyncProperty(passages, fc.gen(), async (all, gen) => {
      const world = happenedThere(all);
      const once = deliveries(world);
      const order = gen(fc.shuffledSubarray, [...once, ...once], { minLength: once.length * 2 });
      const stand = await heard(world, order, { settle: 10, timeout: 200 });
      expect(
        stand
          .runs()
          .map((run) => run)
          .toSorted(),
      ).toEqual(truth(world));
    }),
    { numRuns: 300 },
  );
}, 120_000);

test('any runs, heard by spans alone in any order, are told as far as spans can tell', async () => {
  await fc.assert(
    fc.asyncProperty(passages, fc.gen(), async (all, gen) => {
      const world = happenedThere(all);
      const once = world.spans.map(
        (span): Delivery =>
          ({ assembler }) =>
            assembler.spans([span]),
      );
      const order = gen(fc.shuffledSubarray, once, { minLength: once.length });
      const stand = await heard(world, order, { settle: 10, timeout: 200 });
      const told = world.heardBySpans.map((run) => expectedCalls(asSpansTell(run)));
      expect(stand.runs().toSorted()).toEqual(told.toSorted());
    }),
    { numRuns: 200 },
  );
}, 120_000);
