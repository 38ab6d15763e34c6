import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Inbox, InboxEntry } from '../../../src/journal/journal.ts';
import { memoryJournal } from '../../../src/journal/memory.ts';
import { randomOf } from '../../faults/random.ts';
import { randomPassages, shuffled } from '../../faults/random-passages.ts';
import { type Call, perRun } from '../../support/recording-tracer.ts';
import { expectedCalls } from './expected-calls.ts';
import { happenedThere } from './python-conserver.ts';
import { openStand } from './stand.ts';

type Kept = Omit<InboxEntry, 'id'>;

/** An inbox of which a killed process leaves everything. */
class KeptInbox implements Inbox {
  readonly #kept: Map<number, Kept>;
  #last: number;

  constructor(kept: ReadonlyMap<number, Kept> = new Map()) {
    this.#kept = new Map(kept);
    this.#last = Math.max(0, ...kept.keys());
  }

  get found() {
    return [...this.#kept].map(([id, entry]) => ({ id, ...entry }));
  }

  put(body: string, runId?: string): number {
    this.#last += 1;
    this.#kept.set(this.#last, { body, runId });
    return this.#last;
  }

  rename(runId: string, to: string): void {
    for (const [id, entry] of this.#kept)
      if (entry.runId === runId) this.#kept.set(id, { ...entry, runId: to });
  }

  remove(id: number): void {
    this.#kept.delete(id);
  }

  copy(): KeptInbox {
    return new KeptInbox(this.#kept);
  }
}

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
      const start = (inbox: KeptInbox) =>
        openStand({ plans: world.plans, journal: memoryJournal(), inbox, settle: 100, timeout: 600 });
      let inbox = new KeptInbox();
      let stand = await start(inbox);
      const calls: Call[] = [];
      const restart = async () => {
        inbox = inbox.copy();
        const killed = stand;
        const next = await start(inbox);
        await killed.close();
        calls.push(...killed.calls);
        stand = next;
      };
      for (const thing of shuffled(random, [...sent, ...sent])) {
        if (random() < kills / (2 * sent.length)) await restart();
        if ('span' in thing) stand.assembler.spans([thing.span]);
        else stand.assembler.record(thing.record);
      }
      if (random() < 0.5) {
        const some = Math.floor(random() * stand.assembler.runs);
        while (stand.assembler.runs > some) await new Promise((resolve) => setTimeout(resolve, 5));
        await restart();
      }
      await stand.settled();
      await stand.close();
      calls.push(...stand.calls);
      expect(perRun(once(calls)).toSorted()).toEqual(world.heard.map((run) => expectedCalls(run)).toSorted());
    }),
    { numRuns: 40 },
  );
}, 120_000);
