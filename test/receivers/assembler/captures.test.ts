import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Capture, haveCaptures, readCaptures } from './captures.ts';
import { asSpansTell, expectedCalls } from './expected-calls.ts';
import { openStand } from './stand.ts';

type Delivery = (stand: Awaited<ReturnType<typeof openStand>>) => void;

const spans = ({ requests }: Capture): Delivery[] =>
  requests.map(
    (request) =>
      ({ assembler }) =>
        assembler.spans(request),
  );
const records = (capture: Capture): Delivery[] =>
  capture.records.map(
    (record) =>
      ({ assembler }) =>
        void assembler.record(record),
  );

async function heard(capture: Capture, deliveries: readonly Delivery[]) {
  const stand = await openStand({ plans: capture.plans });
  for (const deliver of deliveries) deliver(stand);
  await stand.settled();
  await stand.close();
  const byRun = new Map<string, string[]>();
  for (const [index, calls] of stand.runs().entries()) {
    const ids = [...new Set(stand.calls.map(({ context }) => context.runId))];
    byRun.set(ids[index] ?? '', calls);
  }
  return { byRun, issues: stand.issues.all() };
}

describe.skipIf(!haveCaptures)('a recording (skipped where ../shared is not there)', () => {
  for (const capture of readCaptures())
    describe(capture.name, () => {
      const truth = (tell = (run: (typeof capture.runs)[number]) => run) =>
        new Map(capture.runs.map((run) => [run.rootSpanId, expectedCalls(tell(run))]));

      test('its spans alone make the calls that can be known from them', async () => {
        const { byRun } = await heard(capture, spans(capture));
        expect(byRun).toEqual(truth(asSpansTell));
      });

      test('its records and spans make the calls that were true, whatever comes first', async () => {
        for (const order of [
          [...records(capture), ...spans(capture)],
          [...spans(capture), ...records(capture)],
        ]) {
          const { byRun, issues } = await heard(capture, order);
          expect(byRun).toEqual(truth());
          expect(issues).toEqual({});
        }
      });

      test('so they do in any order, with any repeats', { timeout: 120_000 }, async () => {
        const all = [...records(capture), ...spans(capture)];
        await fc.assert(
          fc.asyncProperty(fc.gen(), async (gen) => {
            const order = gen(fc.shuffledSubarray, [...all, ...all], {
              minLength: all.length * 2,
              maxLength: all.length * 2,
            });
            const { byRun } = await heard(capture, order);
            expect(byRun).toEqual(truth());
          }),
          { numRuns: 40 },
        );
      });
    });
});
