import { expect, test } from 'vitest';
import type { RecordFact, SpanFact } from '../../src/model/fact.ts';
import { MemoryInbox } from '../support/memory-inbox.ts';
import { type Delivery, deliver } from './deliveries.ts';
import { openHarness } from './harness.ts';
import { millis, Passage } from './passage.ts';

// What vcon-otel 0.1 kept in its inbox, as a journal that was made by it hands it over.

const plans = { main: { links: ['a', 'b'], storages: ['s1'] } };
const main = new Passage();
const over = new Passage({ number: 2, vcon: 'W' });
/** Its records had come before anything else; so it was called otherwise than by its chain span. */
const CALLED = 'c'.repeat(16);

/** @param runId the run that a row is of */
const row = (body: object, runId: string | null = null) =>
  Buffer.from(JSON.stringify({ kind: '0.1', run_id: runId, body: JSON.stringify(body) }));

const head = { root: main.chainId, trace: main.traceId, chain: 'main' };
const spans = (...deliveries: Delivery[]): SpanFact[] =>
  deliveries.flatMap((delivery) => ('spans' in delivery ? delivery.spans : []));
const written = (record: RecordFact) => ({ ...record, time: String(record.time) });
const closed = {
  id: over.chainId,
  rootSpanId: over.chainId,
  chain: 'main',
  uuids: ['W'],
  from: millis(0),
  to: millis(500),
  isHeadless: false,
  at: millis(600),
};
const records = [-1, 0].map((index) => main.record(index).record);

function left(): MemoryInbox {
  const bodies = [
    row({ kind: 'spans', spans: spans(main.aside('s1')) }),
    row({ kind: 'closed', run: closed }),
    ...records.map((record) => row({ kind: 'record', run: head, record: written(record) }, CALLED)),
    row({ kind: 'spans', run: head, spans: spans(main.link(0)) }, CALLED),
    row({ kind: 'worker', worker: ['conserver-1 7', 1, 2, String(records[1]?.time), [], true] }),
    row({ kind: 'later' }),
  ];
  return new MemoryInbox({ entries: bodies.map((body, i) => ({ place: 40 + i, body })), lowWatermark: 40 });
}

const open = (inbox: MemoryInbox) => openHarness({ plans, inbox, settle: 10, timeout: 60 });

const told = [
  'chain_start V',
  'run -1 V→V',
  'link_start V a',
  'link_complete V a',
  'run 0 V→V',
  'link_start V b',
  'link_complete V b',
  'run 1 V→V',
  'storage_start V s1',
  'storage_complete V s1',
  'chain_complete V',
  'run 2 V→V',
];

test('a run goes on under the id that it had, with all that was kept of it', async () => {
  const harness = await open(left());
  await harness.heard();
  expect(harness.byRun()).toEqual(new Map([[CALLED, told.slice(0, 3)]]));
  deliver(harness.assembly, [main.link(1), main.chain()]);
  await harness.settled();
  expect(harness.byRun()).toEqual(new Map([[CALLED, told]]));
  await harness.close();
});

test('what was over is over, and what was counted is not counted again', async () => {
  const harness = await open(left());
  deliver(harness.assembly, [over.link(0)]);
  const outcomes = await Promise.all(records.map((record) => harness.assembly.record(record).outcome));
  expect(outcomes).toEqual(['duplicate', 'duplicate']);
  expect(harness.issues.all()).toEqual({ late_span: 1 });
  await harness.close();
});

test('it is the same for the process after the next', async () => {
  for (const isStopped of [false, true]) {
    const first = await open(left());
    const inbox = new MemoryInbox(left());
    const second = await open(inbox);
    deliver(second.assembly, [main.link(1)]);
    if (isStopped) await second.assembly.stop();
    const third = await open(new MemoryInbox(inbox));
    deliver(third.assembly, [main.chain()]);
    await third.settled();
    const calls = [...first.calls, ...second.calls, ...third.calls];
    expect(new Set(calls.map(({ context }) => context.runId))).toEqual(new Set([CALLED]));
    expect(third.runs()[0]?.slice(-2)).toEqual(told.slice(-2));
    for (const harness of [first, second, third]) await harness.close();
  }
});
