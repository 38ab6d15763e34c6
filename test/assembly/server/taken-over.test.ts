import { describe, expect, test } from 'vitest';
import type { ServerFact } from '../../../src/model/server-fact.ts';
import { randomOf } from '../../faults/random.ts';
import { factRecordings, NO_FACTS, recordedFacts } from '../../support/captured-facts.ts';
import { MemoryInbox } from '../../support/memory-inbox.ts';
import type { Call } from '../../support/recording-tracer.ts';
import { openHarness } from '../harness.ts';
import { words } from './truth.ts';

const LIMITS = { settle: 10_000, timeout: 60_000 };
/** Longer than anything is waited for. */
const LONG = 120_000;

type Event = Call['context'];

describe.skipIf(NO_FACTS)('an adapter that takes over a stream from one with another journal', () => {
  for (const recording of factRecordings())
    test(`${recording}: a run is told by the one that heard it begin, and what is told is what one alone would tell`, async () => {
      const facts = numbered(recordedFacts(recording, true));
      const alone = new Map((await told([facts])).map((event) => [event.eventId, event]));
      for (let seed = 1; seed <= 4; seed += 1) {
        const random = randomOf(seed);
        const [from, to] = [random(), random()]
          .map((at) => Math.floor(at * facts.length))
          .sort((a, b) => a - b);
        const second = await told([[], facts.slice(from, to)]);
        const first = await told([facts.slice(0, from), facts.slice(to)]);
        const ofFirst = new Set(first.map(({ runId }) => runId));
        expect(second.filter(({ runId }) => ofFirst.has(runId))).toEqual([]);
        for (const event of [...first, ...second].filter(isOfMore([...first, ...second])))
          expect(worded(event)).toBe(agreed(event, alone));
        expect(new Set(first.map(({ eventId }) => eventId)).size).toBe(first.length);
      }
    });

  test('knows that after a restart, too', async () => {
    const facts = numbered(recordedFacts('01-happy', true));
    const middle = facts.findIndex(({ kind }) => kind === 'tracer');
    const inbox = new MemoryInbox();
    const before = await openHarness({ ...LIMITS, inbox });
    before.assembly.takenOver();
    await before.durable();
    await before.close();
    const harness = await openHarness({ ...LIMITS, inbox: new MemoryInbox(inbox) });
    for (const fact of facts.slice(middle)) harness.assembly.record(fact);
    await harness.pass(LONG);
    await harness.close();
    const runs = Map.groupBy(eventsOf(harness.calls), ({ runId }) => runId);
    const begun = facts.slice(middle).filter(({ kind }) => kind === 'run_start');
    expect(runs.size).toBe(begun.length);
    expect(harness.issues.of('elsewhere_fact')).toBeGreaterThan(0);
  });
});

/** What tracers hear of facts; before each but the first part another adapter has read. */
async function told(parts: readonly (readonly ServerFact[])[]): Promise<Event[]> {
  const harness = await openHarness(LIMITS);
  for (const [at, facts] of parts.entries()) {
    if (at > 0) harness.assembly.takenOver();
    for (const fact of facts) harness.assembly.record(fact);
  }
  await harness.pass(LONG);
  await harness.close();
  return eventsOf(harness.calls);
}

function eventsOf(calls: readonly Call[]): Event[] {
  return calls.filter(({ call }) => call === 'trace').map(({ context }) => context);
}

/** Of a run of which nothing but its start was heard not even the id is the same. */
function isOfMore(events: readonly Event[]): (event: Event) => boolean {
  const runs = Map.groupBy(events, ({ runId }) => runId);
  const isBare = (run: readonly Event[]) => run.length === 2 && run[1]?.phase === 'lost';
  return ({ runId }) => !isBare(runs.get(runId) ?? []);
}

function worded(event: Event): string {
  return words([event]);
}

/** What one alone tells of the same event, or that it is not known. */
function agreed(event: Event, alone: ReadonlyMap<string, Event>): string {
  const other = alone.get(event.eventId);
  // Where the chain's span was not heard, the run has another id, and says that facts of it are missing.
  const isKnown = other !== undefined || event.phase === 'lost' || event.inferred.includes('facts');
  if (!isKnown) return `nothing of ${event.eventId}`;
  if (!other) return worded(event);
  return worded(event.outcome === 'unknown' ? { ...other, outcome: 'unknown' } : other);
}

/** With the numbers of their runs, as the module in the server gives them. */
function numbered(facts: readonly ServerFact[]): ServerFact[] {
  const open = new Map<string, number>();
  return facts.map((fact) => {
    const thread = `${fact.pid} ${fact.boot} ${fact.thread}`;
    if (fact.kind === 'run_start') open.set(thread, fact.seq);
    const run = open.get(thread);
    if (fact.kind === 'run_end') open.delete(thread);
    return fact.kind === 'span_end' && fact.stage === 'chain' ? fact : { ...fact, run };
  });
}
