import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeEntry } from '../../src/assembly/entry.ts';
import { sqliteJournal } from '../../src/journal/sqlite.ts';
import { type ChainEvent, eventName } from '../../src/model/event.ts';
import { reader } from '../journal/reader.ts';
import { storedInputs } from '../journal/stored-inputs.ts';
import { crashed, query, temporaryPath } from '../journal/temporary-journal.ts';
import { runs } from '../support/search.ts';
import { type Delivery, deliver, inAnyOrder, recordsOf, spansOf } from './deliveries.ts';
import { expectedCalls } from './expected-calls.ts';
import { openHarness } from './harness.ts';
import { Passage } from './passage.ts';
import { happenedThere, type World } from './python-conserver.ts';
import { passages } from './random-passages.ts';

/** A process of ours that goes on with what is in a journal. */
async function open(path: string, { plans }: Pick<World, 'plans'>, settle = 10) {
  const journal = await sqliteJournal({ path });
  // Never reads before the end, so that nothing is forgotten.
  const after = reader(journal, 'after');
  const harness = await openHarness({ plans, journal, settle, timeout: settle * 20 });
  return { journal, after, harness };
}

/** What was told of each run, in short. What comes when it is over is kept, and no call is made of it. */
function perRun(events: readonly ChainEvent[]): string[][] {
  const runs = new Map<string, string[]>();
  for (const event of events) {
    if (event.calls === 'none') continue;
    const { runId, outVconUuid, link, storage } = event;
    const told = [eventName(event), outVconUuid, link ?? storage].filter(Boolean).join(' ');
    runs.set(runId, [...(runs.get(runId) ?? []), told]);
  }
  return [...runs.values()].toSorted();
}

const truth = ({ heard }: World) =>
  heard.map((run) => expectedCalls(run).filter((call) => !call.startsWith('run '))).toSorted();

const kinds = (path: string) => {
  const db = new DatabaseSync(path);
  const found = storedInputs(db).map((body) => decodeEntry(body)?.kind);
  db.close();
  return [...new Set(found)].toSorted();
};

/** How a process ends: what it was handed last may not have become durable. */
type End = 'stopped' | 'crashed' | 'crashed before it had answered';

/** Lets processes follow each other, each handed a part. @returns what all of them have told */
async function throughProcesses(world: World, parts: readonly (readonly Delivery[])[], ends: readonly End[]) {
  let path = temporaryPath();
  let again: readonly Delivery[] = [];
  for (const [index, part] of parts.entries()) {
    // Nothing is over before all of it was sent.
    const { journal, harness } = await open(path, world, 60_000);
    deliver(harness.assembly, again);
    await harness.durable();
    deliver(harness.assembly, part);
    const end = ends[index] ?? 'stopped';
    // Whoever has had no answer sends again.
    again = end === 'crashed before it had answered' ? part : [];
    if (end === 'crashed') await harness.durable();
    if (end !== 'stopped') path = crashed(path);
    await harness.close();
    await journal.close();
  }
  const { journal, after, harness } = await open(path, world);
  deliver(harness.assembly, again);
  await harness.settled();
  await harness.durable();
  await harness.assembly.stop();
  await harness.durable();
  const count = Number(query(path, 'select coalesce(sum(last - first + 1), 0) as n from page')[0]?.n);
  const told = perRun(await after.read(count));
  await harness.close();
  await journal.close();
  return { told, inbox: kinds(path) };
}

const endings = fc.constantFrom<End>('stopped', 'crashed', 'crashed before it had answered');

test('any runs are told once and as they were, wherever processes end in between', async () => {
  const happening = passages.chain((all) => {
    const world = happenedThere(all);
    const sent = [...recordsOf(world), ...spansOf(world)];
    return fc.record({
      world: fc.constant(world),
      order: inAnyOrder(sent),
      cuts: fc.array(fc.tuple(fc.nat(sent.length), endings), { minLength: 1, maxLength: 3 }),
    });
  });
  await fc.assert(
    fc.asyncProperty(happening, async ({ world, order, cuts }) => {
      const sorted = cuts.toSorted(([a], [b]) => a - b);
      const parts = sorted.map(([cut], i) => order.slice(sorted[i - 1]?.[0] ?? 0, cut));
      parts.push(order.slice(sorted.at(-1)?.[0]));
      const ends = sorted.map(([, end]) => end);
      const { told, inbox } = await throughProcesses(world, parts, ends);
      expect(told).toEqual(truth(world));
      expect(['carries', 'carried', 'carried_all', 'emitted']).toEqual(expect.arrayContaining(inbox));
    }),
    { numRuns: runs(15) },
  );
});

test('what was told before is not told again, whatever is sent again afterwards', async () => {
  const world = happenedThere([
    {
      chain: 'main',
      vcon: 'V',
      acts: ['same', 'new'],
      storages: [{ fails: false }],
      parallel: true,
      start: 0,
      endsAfterFailure: true,
      collectedIn: [],
    },
  ]);
  const sent = [...recordsOf(world), ...spansOf(world)];
  const path = temporaryPath();
  const first = await open(path, world);
  deliver(first.harness.assembly, sent);
  await first.harness.settled();
  await first.harness.durable();
  const copy = crashed(path);
  await first.harness.close();
  await first.journal.close();
  const second = await open(copy, world);
  expect(second.harness.assembly.runs).toBe(0);
  deliver(second.harness.assembly, sent);
  expect(second.harness.assembly.runs).toBe(0);
  await second.harness.durable();
  const count = Number(query(copy, 'select coalesce(sum(last - first + 1), 0) as n from page')[0]?.n);
  expect(perRun(await second.after.read(count))).toEqual(truth(world));
  await second.harness.close();
  await second.journal.close();
});

test('a run that was told before its records turned out to be of one is told no second time', async () => {
  const main = new Passage();
  // Only the last has ids, and it came while nothing tied it to the first.
  const [first, between, last] = [main.bareRecord(-1, 'V'), main.bareRecord(0, 'V'), main.record(1)];
  const sent = [first, last, main.link(1), between];
  const world = { plans: { main: { links: ['a', 'b'] } } };
  const path = temporaryPath();
  const before = await open(path, world, 60_000);
  deliver(before.harness.assembly, sent);
  await before.harness.heard();
  await before.harness.durable();
  const copy = crashed(path);
  await before.harness.close();
  await before.journal.close();
  const second = await open(copy, world);
  deliver(second.harness.assembly, [main.link(0), main.link(1), main.chain()]);
  await second.harness.settled();
  await second.harness.durable();
  const count = Number(query(copy, 'select coalesce(sum(last - first + 1), 0) as n from page')[0]?.n);
  expect(perRun(await second.after.read(count))).toHaveLength(1);
  await second.harness.close();
  await second.journal.close();
});
