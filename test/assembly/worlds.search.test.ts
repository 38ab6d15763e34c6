import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Call } from '../support/recording-tracer.ts';
import { runs } from '../support/search.ts';
import { type Delivery, deliver, inAnyOrder, recordsOf, spansOf } from './deliveries.ts';
import { asSpansTell, expectedCalls } from './expected-calls.ts';
import { openHarness } from './harness.ts';
import { happenedThere, type World } from './python-conserver.ts';
import { passages } from './random-passages.ts';

async function heard(world: World, order: readonly Delivery[]) {
  const harness = await openHarness({ plans: world.plans, settle: 10, timeout: 200 });
  deliver(harness.assembly, order);
  await harness.settled();
  await harness.close();
  return { runs: harness.runs().toSorted(), untrue: untrue(harness.calls, world) };
}

/** What was stated about how something ended, and is not so. What is unknown is named as that. */
function untrue(calls: readonly Call[], { heard }: World): string[] {
  return calls.flatMap((call) => {
    if (call.call === 'run' || call.context.outcome === undefined) return [];
    const { runId, outcome, link, linkIndex, inferred } = call.context;
    if (outcome === 'unknown') return inferred.includes('outcome') ? [] : [`${call.event} unknown, unnamed`];
    const that = heard.map(({ rootSpanId, events }) => ({
      rootSpanId,
      event: events.find(
        ({ event, vcon_uuid: vconUuid, link_index: index }) =>
          event === call.event && vconUuid === call.vconUuid && index === linkIndex,
      ),
    }));
    // A first record may lie about its run's id, which nothing contradicts yet: then it is a run of another id.
    const known = that.filter(({ event }) => event !== undefined);
    const byId = known.filter(({ rootSpanId }) => rootSpanId === runId);
    const truly = (byId.length > 0 ? byId : known).map(({ event }) => event?.outcome ?? outcome);
    return truly.length === 0 || truly.includes(outcome)
      ? []
      : [`${call.event} ${link ?? ''} ${outcome}, truly ${truly.join(' or ')}`];
  });
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
        expect(await heard(world, order)).toEqual({ runs: truth(world), untrue: [] });
      }),
      { numRuns: runs(300) },
    );
  });

  test('heard by spans alone in any order, are told as far as spans can tell', async () => {
    await fc.assert(
      fc.asyncProperty(worlds(true, spansOf, 1), async ([world, order]) => {
        const told = world.heardBySpans.map((run) => expectedCalls(asSpansTell(run)));
        expect(await heard(world, order)).toEqual({ runs: told.toSorted(), untrue: [] });
      }),
      { numRuns: runs(300) },
    );
  });
});
