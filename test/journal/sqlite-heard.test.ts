import { expect, test, vi } from 'vitest';
import { openFileAdmin } from '../../src/journal/open-admin.ts';
import { heardWith, markOf } from '../../src/journal/sqlite/writer/heard.ts';
import { allOf } from '../support/all-of.ts';
import { PATIENCE } from '../support/eventually.ts';
import { delivery, event, ids } from './contract.ts';
import { reader } from './reader.ts';
import { decide, eventIds, keep, openJournal, query, temporaryPath } from './temporary-journal.ts';

test.each([
  [0, 0],
  [0.004, 0.000_003],
  [17, 0.25],
  [3_600_000, 30],
  [86_400_000, 0],
])('%d ms until an event was heard, and %d s that it took, are known to some 6 %%', (latency, duration) => {
  const mark = markOf(latency, duration);
  const known = heardWith(Uint8Array.of(mark & 255, mark >> 8));
  expect(known.latency / (latency || 1)).toBeCloseTo(latency === 0 ? 0 : 1, 0.9);
  expect(known.duration / (duration || 1)).toBeCloseTo(duration === 0 ? 0 : 1, 0.9);
});

test('an event that was heard before it happened, by a clock that was set back, was heard at once', () => {
  expect(markOf(-5_000, 0) & 255).toBe(1);
});

test('of what is heard at the first attempt there is no row, and yet it is known when that was', async () => {
  const path = temporaryPath();
  const { journal } = await openJournal({ path });
  const { consumer, read } = reader(journal, 'tracer');
  const began = Date.now() - 60_000;
  await journal.append(['a/1', 'a/2'].map((id) => event(id, began)));
  for (const one of await read(2))
    consumer.settle(one, 'ok', { attempts: 1, since: Date.now(), duration: 0.2, errorType: undefined });
  await journal.close();
  expect(query(path, 'select count(*) as rows from delivery')).toEqual([{ rows: 0 }]);
  const admin = await openFileAdmin(path);
  const [run] = await allOf((await admin.runs({ limit: 0 })).runs);
  expect(run?.deliveries).toMatchObject([
    { state: 'ok', attempts: 1, errorType: undefined },
    { state: 'ok', attempts: 1, errorType: undefined },
  ]);
  const [{ at = 0, since = 0, duration = 0 } = {}] = run?.deliveries ?? [];
  expect([(at - began) / 60_000, duration / 0.2, (at - since) / 200]).toEqual([
    expect.closeTo(1, 0.9),
    expect.closeTo(1, 0.9),
    expect.closeTo(1, 0.9),
  ]);
  expect(await admin.stats('tracer')).toMatchObject({ ok: 2, depth: 0 });
  await admin.close();
});

test('what was heard beyond an event that is still open is not given again, nor is it kept for that', async () => {
  const path = temporaryPath();
  const first = await openJournal({ path });
  const before = reader(first.journal, 'tracer');
  const appended = eventIds(1_000);
  for (let from = 0; from < 1_000; from += 250) await keep(first.journal, appended.slice(from, from + 250));
  const [open, ...others] = await before.read(1_000);
  for (const one of others) before.consumer.settle(one, 'ok', delivery(1));
  await first.journal.close();
  const { journal } = await openJournal({ path, retention: 1 });
  const again = reader(journal, 'tracer');
  expect(ids(await again.read(1))).toEqual([open?.eventId]);
  expect([again.consumer.depth, await again.consumer.readNow(9)]).toEqual([1, []]);
  await vi.waitFor(
    () => expect(query(path, 'select first, last from page')).toEqual([{ first: 1, last: 250 }]),
    PATIENCE,
  );
  // Those of the page that is left, eight events each.
  await vi.waitFor(
    () => expect(query(path, 'select count(*) as runs from run')).toEqual([{ runs: 32 }]),
    PATIENCE,
  );
});

test('what an operator asked for at the moment in which it was heard is heard with that', async () => {
  const path = temporaryPath();
  const { journal } = await openJournal({ path });
  const { consumer, read } = reader(journal, 'tracer');
  await keep(journal, ['a/1', 'a/2']);
  const [one, two] = await read(2);
  if (!one || !two) throw new Error('too few events were read');
  decide(path, 'tracer', 'queued', ['a/1']);
  consumer.settle(one, 'ok', delivery(1));
  consumer.settle(two, 'ok', delivery(1));
  await journal.close();
  expect(query(path, 'select seq, state from delivery')).toEqual([{ seq: 1, state: 'ok' }]);
});
