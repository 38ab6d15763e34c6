import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NO_CAPTURES } from '../support/captures.ts';
import { runs } from '../support/search.ts';
import { type Capture, readCaptures, type TrueRun } from './captures.ts';
import { type Delivery, deliver, inAnyOrder, recordsOf, spansOf } from './deliveries.ts';
import { asSpansTell, expectedCalls } from './expected-calls.ts';
import { openHarness } from './harness.ts';

async function heard(capture: Capture, deliveries: readonly Delivery[]) {
  const harness = await openHarness({ plans: capture.plans, settle: 10 });
  deliver(harness.assembly, deliveries);
  await harness.settled();
  await harness.close();
  return { byRun: harness.byRun(), issues: harness.issues.all() };
}

const requestsOf = ({ requests }: Capture): Delivery[] => requests.map((spans) => ({ spans }));
const singleSpans = ({ requests }: Capture) => spansOf({ spans: requests.flat() });
const truth = ({ runs }: Capture, tell = (run: TrueRun) => run) =>
  new Map(runs.map((run) => [run.rootSpanId, expectedCalls(tell(run))]));

const captures = await readCaptures();

describe.skipIf(NO_CAPTURES)('a recording (skipped where ../shared is not there)', () => {
  // Most of the time is spent waiting until runs have settled.
  describe.concurrent.for(captures.map((capture) => [capture.name, capture] as const))(
    '%s',
    ([, capture]) => {
      test('its spans alone make the calls that can be known from them', async () => {
        const { byRun } = await heard(capture, requestsOf(capture));
        expect(byRun).toEqual(truth(capture, asSpansTell));
      });

      test('its records and spans make the calls that were true, whatever comes first', async () => {
        for (const order of [
          [...recordsOf(capture), ...requestsOf(capture)],
          [...requestsOf(capture), ...recordsOf(capture)],
        ]) {
          const { byRun, issues } = await heard(capture, order);
          expect(byRun).toEqual(truth(capture));
          expect(issues).toEqual({});
        }
      });

      test('its spans alone, in any order and repeated, make those that can be known', async () => {
        await fc.assert(
          fc.asyncProperty(inAnyOrder(singleSpans(capture), 2), async (deliveries) => {
            const { byRun } = await heard(capture, deliveries);
            expect(byRun).toEqual(truth(capture, asSpansTell));
          }),
          { numRuns: runs(100) },
        );
      });

      test('its records and spans, in any order and repeated, make those that were true', async () => {
        const all = [...recordsOf(capture), ...singleSpans(capture)];
        await fc.assert(
          fc.asyncProperty(inAnyOrder(all, 2), async (deliveries) => {
            const { byRun } = await heard(capture, deliveries);
            expect(byRun).toEqual(truth(capture));
          }),
          { numRuns: runs(100) },
        );
      });
    },
  );
});
