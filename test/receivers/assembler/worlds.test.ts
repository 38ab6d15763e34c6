import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Delivery, deliver, inAnyOrder, recordsOf, spansOf } from './deliveries.ts';
import { asSpansTell, expectedCalls } from './expected-calls.ts';
import { happenedThere, type World } from './python-conserver.ts';
import { passages } from './random-passages.ts';
import { openStand } from './stand.ts';

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
