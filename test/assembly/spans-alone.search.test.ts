import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ConfiguredChain } from '../../src/assembly/configured-chains.ts';
import type { SpanFact } from '../../src/model/fact.ts';
import {
  configuredChains,
  factRecordings,
  NO_FACTS,
  recordedSpans,
  type TrueRun,
  trueRuns,
} from '../support/captured-facts.ts';
import { ManualClock } from '../support/manual-clock.ts';
import type { Call } from '../support/recording-tracer.ts';
import { runs } from '../support/search.ts';
import { openHarness } from './harness.ts';

// What the server's spans alone tell (DESIGN §10), where they all came and where nobody knows which did not: never what is not
// so. What cannot be known is said to be unknown.

/** Runs whose ends leave no mark: nothing follows the last link; a link is not configured; a chain span got no status. */
const UNKNOWN: Readonly<Record<string, number>> = {
  '02-uuid-change': 1,
  '12c-unknown-link': 1,
  '20-two-workers-two-threads': 1,
};

interface Recording {
  readonly requests: readonly (readonly SpanFact[])[];
  readonly truth: readonly TrueRun[];
  readonly plans: Readonly<Record<string, ConfiguredChain>>;
}

const recordings = await Promise.all(
  factRecordings().map(async (name): Promise<readonly [string, Recording]> => {
    const requests = await recordedSpans(name);
    return [name, { requests, truth: trueRuns(name), plans: configuredChains(name) }];
  }),
);

describe.skipIf(NO_FACTS)('a recording (skipped where ../shared is not there)', () => {
  for (const [name, recording] of recordings.filter(([, { requests }]) => requests.length > 0)) {
    test(`${name}: whole, it is heard as it was, but for what cannot be known`, async () => {
      const { untrue, known, heard } = await hear(recording, recording.requests, false);
      expect(untrue).toEqual([]);
      const ended = recording.truth.filter(({ otlp }) => otlp?.root_span_id);
      expect(heard).toBe(ended.length);
      expect(heard - known).toBe(UNKNOWN[name] ?? 0);
    });

    test(`${name}: with any spans lost while nobody listened, nothing untrue is said`, async () => {
      const spans = recording.requests.flat();
      const kept = fc.array(fc.boolean(), { minLength: spans.length, maxLength: spans.length });
      await fc.assert(
        fc.asyncProperty(kept, async (keeps) => {
          const left = spans.filter((_, at) => keeps[at]);
          expect((await hear(recording, [left], true)).untrue).toEqual([]);
        }),
        { numRuns: runs(200) },
      );
    });
  }
});

/** @param deaf nobody listened until after the last of it */
async function hear({ truth, plans }: Recording, requests: Recording['requests'], deaf: boolean) {
  const last = Math.max(0, ...requests.flat().map(({ end: [seconds] }) => seconds));
  const clock = deaf ? new ManualClock(last * 1e3 + 1_000) : new ManualClock();
  const harness = await openHarness({ plans, clock, settle: 10_000, timeout: 900_000 });
  for (const spans of requests) harness.assembly.spans(spans);
  await harness.settled();
  await harness.close();
  const calls = harness.calls.filter(({ call }) => call === 'trace');
  const ends = calls.filter(({ context: { stage, phase } }) => stage === 'chain' && phase !== 'start');
  const known = ends.filter(({ context }) => context.outcome !== 'unknown');
  return { untrue: untrue(calls, truth), known: known.length, heard: ends.length };
}

function untrue(calls: readonly Call[], truth: readonly TrueRun[]): string[] {
  const byRoot = new Map(truth.map((run) => [run.otlp?.root_span_id, run]));
  return calls.flatMap((call) => {
    const { runId, link, linkIndex, storage, outcome, inferred, errorType } = call.context;
    const event = call.call === 'trace' ? call.event : '';
    const run = byRoot.get(runId);
    const said = `${event} ${link ?? storage ?? ''} ${outcome ?? ''}`;
    if (!run) return [`${said}: there was no such run`];
    if (outcome === 'unknown' && !inferred.includes('outcome')) return [`${said}: unknown, and not named`];
    if (event === 'chain_lost') return [];
    const truly = run.expected_events.find(
      (one) =>
        one.event === event &&
        (one.link_index ?? undefined) === linkIndex &&
        (one.storage ?? undefined) === storage,
    );
    if (!truly) return [`${said}: it did not happen`];
    const isSame = outcome === 'unknown' || truly.outcome === undefined || truly.outcome === outcome;
    const isSameError = errorType === undefined || truly.error_type === errorType;
    return isSame && isSameError
      ? []
      : [`${said} ${errorType ?? ''}: truly ${truly.outcome} ${truly.error_type}`];
  });
}
