import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sqliteJournal } from '../../../src/journal/sqlite.ts';
import { type ChainEvent, eventName } from '../../../src/model/event.ts';
import { reader } from '../../journal/contract.ts';
import { crashed, query, temporaryPath } from '../../journal/temporary-journal.ts';
import { type Delivery, deliver, inAnyOrder, recordsOf, spansOf } from './deliveries.ts';
import { expectedCalls } from './expected-calls.ts';
import { Passage } from './passage.ts';
import { happenedThere, type World } from './python-conserver.ts';
import { passages } from './random-passages.ts';
import { openStand } from './stand.ts';

/** A process of ours that goes on with what is in a journal. */
async function open(path: string, { plans }: Pick<World, 'plans'>, settle = 10) {
  const journal = await sqliteJournal({ path });
  // Never reads before the end, so that nothing is forgotten.
  const after = reader(journal, 'after');
  const stand = await openStand({ plans, journal, settle, timeout: settle * 20 });
  return { journal, after, stand };
}

/** What was told of each run, in short. */
function perRun(events: readonly ChainEvent[]): string[][] {
  const runs = new Map<string, string[]>();
  for (const event of events) {
    const { runId, outVconUuid, link, storage } = event;
    const told = [eventName(event), outVconUuid, link ?? storage].filter(Boolean).join(' ');
    runs.set(runId, [...(runs.get(runId) ?? []), told]);
  }
  return [...runs.values()].toSorted();
}

const truth = ({ heard }: World) =>
  heard.map((run) => expectedCalls(run).filter((call) => !call.startsWith('run '))).toSorted();

const kinds = (path: string) => {
  const found = query(path, "select distinct json_extract(body, '$.kind') as kind from inbox order by kind");
  return found.map(({ kind }) => kind);
};

/** How a process ends: what it was handed last may not have become durable. */
type End = 'stopped' | 'crashed' | 'crashed before it had answered';

/** Lets processes follow each other, each handed a part. @returns what all of them have told */
async function throughProcesses(world: World, parts: readonly (readonly Delivery[])[], ends: readonly End[]) {
  let path = temporaryPath();
  let again: readonly Delivery[] = [];
  for (const [index, part] of parts.entries()) {
    // Nothing is over before all of it was sent.
    const { journal, stand } = await open(path, world, 60_000);
    deliver(stand.assembler, again);
    await journal.durable();
    deliver(stand.assembler, part);
    const end = ends[index] ?? 'stopped';
    // Whoever has had no answer sends again.
    again = end === 'crashed before it had answered' ? part : [];
    if (end === 'crashed') await journal.durable();
    if (end !== 'stopped') path = crashed(path);
    await stand.close();
    await journal.close();
  }
  const { journal, after, stand } = await open(path, world);
  deliver(stand.assembler, again);
  await stand.settled();
  await journal.durable();
  stand.assembler.stop();
  await journal.durable();
  const count = Number(query(path, 'select count(*) as n from event')[0]?.n);
  const told = perRun(await after.read(count));
  await stand.close();
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
      expect(['closed', 'worker']).toEqual(expect.arrayContaining(inbox));
    }),
    { numRuns: 15 },
  );
}, 120_000);

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
  deliver(first.stand.assembler, sent);
  await first.stand.settled();
  await first.journal.durable();
  const copy = crashed(path);
  await first.stand.close();
  await first.journal.close();
  const second = await open(copy, world);
  expect(second.stand.assembler.runs).toBe(0);
  deliver(second.stand.assembler, sent);
  expect(second.stand.assembler.runs).toBe(0);
  await second.journal.durable();
  const count = Number(query(copy, 'select count(*) as n from event')[0]?.n);
  expect(perRun(await second.after.read(count))).toEqual(truth(world));
  await second.stand.close();
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
  deliver(before.stand.assembler, sent);
  await before.stand.bridge.forceFlush();
  await before.journal.durable();
  const copy = crashed(path);
  await before.stand.close();
  await before.journal.close();
  const second = await open(copy, world);
  deliver(second.stand.assembler, [main.link(0), main.link(1), main.chain()]);
  await second.stand.settled();
  await second.journal.durable();
  const count = Number(query(copy, 'select count(*) as n from event')[0]?.n);
  expect(perRun(await second.after.read(count))).toHaveLength(1);
  await second.stand.close();
  await second.journal.close();
});
