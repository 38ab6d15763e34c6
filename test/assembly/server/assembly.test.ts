import { describe, expect, test } from 'vitest';
import type { SpanFact } from '../../../src/model/fact.ts';
import type { ServerFact } from '../../../src/model/server-fact.ts';
import { randomOf } from '../../faults/random.ts';
import { factRecordings, NO_FACTS, recordedFacts, recordedSpans } from '../../support/captured-facts.ts';
import { MemoryInbox } from '../../support/memory-inbox.ts';
import type { Call } from '../../support/recording-tracer.ts';
import { openHarness } from '../harness.ts';
import { truthOf, words } from './truth.ts';

/** What arrives: a fact, or the spans of one request. */
type Arrival = { readonly fact: ServerFact } | { readonly spans: readonly SpanFact[] };

/** Longer than anything is waited for. */
const LONG = 120_000;
const LIMITS = { settle: 10_000, timeout: 60_000 };

describe.skipIf(NO_FACTS)('a recording is heard as it truly was', () => {
  for (const recording of factRecordings()) {
    const facts = recordedFacts(recording, true).map((fact): Arrival => ({ fact }));

    test(`${recording}: in order`, async () => {
      expect(await heard(facts)).toEqual(truthOf(recording));
    });

    test(`${recording}: each fact twice, batches of one process between those of others`, async () => {
      for (let seed = 1; seed <= 5; seed += 1)
        expect(await heard(interleaved(doubled(facts), seed))).toEqual(truthOf(recording));
    });

    test(`${recording}: with the spans of the same runs, before, after and between`, async () => {
      const spans = (await recordedSpans(recording)).map((of): Arrival => ({ spans: of }));
      const orders = [
        [...spans, ...facts],
        [...facts, ...spans],
        ...[1, 2, 3].map((seed) => mixed(facts, spans, randomOf(seed))),
      ];
      for (const order of orders) expect(await heard(order)).toEqual(truthOf(recording));
    });

    test(`${recording}: the adapter killed in between`, async () => {
      const every = facts.length > 500 ? Math.ceil(facts.length / 40) : 10;
      for (let cut = every; cut < facts.length; cut += every)
        expect(await heard(facts, [cut])).toEqual(truthOf(recording));
    });

    test(`${recording}: the adapter stopped in between, and what is needed carried forward`, async () => {
      const every = facts.length > 500 ? Math.ceil(facts.length / 20) : 3;
      for (let cut = every; cut < facts.length; cut += every)
        expect(await heard(facts, [cut], 'stopped')).toEqual(truthOf(recording));
    });
  }
});

/** Tells what arrives to an assembly, which ends before some of it and is started again, and says what tracers heard, run by run. */
async function heard(
  arrivals: readonly Arrival[],
  cuts: readonly number[] = [],
  end: 'killed' | 'stopped' = 'killed',
): Promise<string[]> {
  let inbox = new MemoryInbox();
  let harness = await openHarness({ ...LIMITS, inbox });
  const calls: Call[] = [];
  for (const [at, arrival] of arrivals.entries()) {
    if (cuts.includes(at)) {
      if (end === 'stopped') await harness.assembly.stop();
      // What was appended is there, whatever the one before may still append.
      inbox = new MemoryInbox(inbox);
      const killed = harness;
      harness = await openHarness({ ...LIMITS, inbox });
      await killed.close();
      calls.push(...killed.calls);
    }
    if ('fact' in arrival) harness.assembly.record(arrival.fact);
    else harness.assembly.spans(arrival.spans);
  }
  await harness.pass(LONG);
  await harness.close();
  calls.push(...harness.calls);
  const events = new Map(
    calls.filter(({ call }) => call === 'trace').map(({ context }) => [context.eventId, context]),
  );
  const runs = Map.groupBy(events.values(), ({ runId }) => runId);
  return [...runs.values()].map(words).sort();
}

function doubled(arrivals: readonly Arrival[]): Arrival[] {
  return arrivals.flatMap((arrival) => [arrival, arrival]);
}

/** The facts of each process in their order, and processes in turns. */
function interleaved(arrivals: readonly Arrival[], seed: number): Arrival[] {
  const random = randomOf(seed);
  const queues = [
    ...Map.groupBy(arrivals, (arrival) => ('fact' in arrival ? arrival.fact.boot : '')).values(),
  ].map((queue) => [...queue]);
  const order: Arrival[] = [];
  while (queues.some(({ length }) => length > 0)) {
    const queue = queues[Math.floor(random() * queues.length)] ?? [];
    order.push(...queue.splice(0, 1 + Math.floor(random() * 20)));
  }
  return order;
}

function mixed(facts: readonly Arrival[], spans: readonly Arrival[], random: () => number): Arrival[] {
  const order = [...facts];
  for (const some of spans) order.splice(Math.floor(random() * order.length), 0, some);
  return order;
}
