import fc from 'fast-check';
import { expect, test } from 'vitest';
import { randomOf } from '../faults/random.ts';
import { randomPassages, shuffled } from '../faults/random-passages.ts';
import { MemoryInbox } from '../support/memory-inbox.ts';
import { type Call, perRun } from '../support/recording-tracer.ts';
import { expectedCalls } from './expected-calls.ts';
import { openHarness } from './harness.ts';
import { happenedThere } from './python-conserver.ts';

/** Calls of one event are made again by the next process, as the journal here is another: once counts. */
function once(calls: readonly Call[]): Call[] {
  const known = new Set<string>();
  return calls.filter(({ call, context }) => {
    const key = `${context.eventId} ${call}`;
    if (known.has(key)) return false;
    known.add(key);
    return true;
  });
}

test('any runs are told as they were, each event once, however often the process is killed meanwhile', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 3 }), async (seed, kills) => {
      const random = randomOf(seed);
      const world = happenedThere(randomPassages(random, 1).flat());
      const sent = [...world.spans.map((span) => ({ span })), ...world.records.map((record) => ({ record }))];
      const start = (inbox: MemoryInbox) =>
        openHarness({ plans: world.plans, inbox, settle: 100, timeout: 600 });
      let inbox = new MemoryInbox();
      let harness = await start(inbox);
      const calls: Call[] = [];
      const restart = async () => {
        // What was appended is there, whatever the one before may still append.
        inbox = new MemoryInbox(inbox);
        const killed = harness;
        const next = await start(inbox);
        await killed.close();
        calls.push(...killed.calls);
        harness = next;
      };
      for (const thing of shuffled(random, [...sent, ...sent])) {
        if (random() < kills / (2 * sent.length)) await restart();
        if ('span' in thing) harness.assembly.spans([thing.span]);
        else harness.assembly.record(thing.record);
      }
      if (random() < 0.5) {
        const some = Math.floor(random() * harness.assembly.runs);
        while (harness.assembly.runs > some) await harness.clock.pass(10);
        await restart();
      }
      await harness.settled();
      await harness.close();
      calls.push(...harness.calls);
      expect(perRun(once(calls)).toSorted()).toEqual(world.heard.map((run) => expectedCalls(run)).toSorted());
    }),
    { numRuns: 40 },
  );
});
