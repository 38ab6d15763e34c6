import { expect, test } from 'vitest';
import { type Delivery, deliver } from './deliveries.ts';
import { type HarnessSettings, openHarness } from './harness.ts';
import { Passage } from './passage.ts';

// The ids on a record are those of the span that was current in the server: of a run that failed before, or of none.

const plans = { main: { links: ['a', 'b'] }, early: { links: ['x'] }, failed: { links: ['boom'] } };
const told = [
  'chain_start V',
  'run -1 V→V',
  'link_start V a',
  'link_complete V a',
  'run 0 V→V',
  'link_start V b',
  'link_complete V b',
  'run 1 V→V',
  'chain_complete V',
  'run 2 V→V',
];
/** Two that ended before, the second one below the first. */
const early = new Passage({
  chain: 'early',
  links: ['x'],
  vcon: 'W',
  number: 8,
  start: -1_000,
  seq: 100,
  pid: 9,
});
const failed = new Passage({ chain: 'failed', links: ['boom'], vcon: 'X', number: 9, start: -500 });
const stale = {
  trace_id: failed.traceId,
  span_id: failed.chainId,
  root_span_id: early.chainId,
  chain: 'failed',
};
const endsOfEarly = [early.link(0), early.chain()];
const endsOfFailed = [failed.link(0, { failed: true }), failed.chain({ undecided: true })];

const spansOf = (main: Passage) => [main.link(0), main.link(1), main.chain({ parentSpanId: failed.chainId })];

async function runsOf(deliveries: readonly Delivery[], known: HarnessSettings['plans'] = plans) {
  const harness = await openHarness({ plans: known, settle: 10, timeout: 300 });
  deliver(harness.assembly, deliveries);
  await harness.settled();
  await harness.close();
  return harness.runs().filter((run) => run[0] === 'chain_start V');
}

const ids: Record<string, Readonly<Record<string, unknown>>> = {
  'of a failed run': stale,
  'of a failed run at the root of its trace': { ...stale, root_span_id: undefined },
  'of a link, without its parent': { root_span_id: undefined },
  'of a chain that nobody else names': { ...stale, span_id: 'a'.repeat(16), root_span_id: 'b'.repeat(16) },
};

test.for(Object.entries(ids))('records with ids %s are told with their run', async ([, wrong]) => {
  for (const wrongs of [[-1, 0, 1], [0, 1], [1], [0]]) {
    const main = new Passage();
    const records = [-1, 0, 1].map((index) =>
      main.record(index, 'V', 'V', wrongs.includes(index) ? wrong : {}),
    );
    const spans = spansOf(main);
    for (const before of [[], endsOfEarly, endsOfFailed, [...endsOfEarly, ...endsOfFailed]]) {
      expect(await runsOf([...before, ...records, ...spans])).toEqual([told]);
      expect(await runsOf([...before, ...records, ...spans], { main: { links: ['a', 'b'] } })).toEqual([
        told,
      ]);
      expect(await runsOf([...before, ...spans, ...records])).toEqual([told]);
      expect(await runsOf([...records, ...before, ...spans])).toEqual([told]);
      expect(await runsOf([...spans.toReversed(), ...records.toReversed(), ...before])).toEqual([told]);
    }
  }
});

test('records without any ids are told with their run', async () => {
  const main = new Passage();
  const records = [-1, 0, 1].map((index) => main.bareRecord(index, 'V'));
  const spans = spansOf(main);
  expect(await runsOf([...records, ...spans])).toEqual([told]);
  expect(await runsOf([...spans, ...records])).toEqual([told]);
});

test('a record that names a run which contradicts it does not go by what it says is its chain', async () => {
  const main = new Passage();
  const records = [-1, 0, 1].map((index) => main.record(index, 'V', 'V', stale));
  const harness = await openHarness({ plans, settle: 10, timeout: 60 });
  deliver(harness.assembly, [early.link(0), ...records]);
  await harness.heard();
  expect(new Set(harness.calls.map(({ context }) => context.chain))).toEqual(new Set(['main']));
  await harness.close();
});

test('two passages of one vCon through one chain at nearly the same time keep what each says is its own', async () => {
  const one = new Passage();
  const two = new Passage({ number: 2, start: 6, seq: 50, links: ['a', 'b'] });
  // The second one's records come while nothing else is known of it.
  const records = [
    one.record(-1),
    two.record(-1),
    one.record(0),
    two.record(0),
    one.record(1),
    two.record(1),
  ];
  const [o0, t0, o1, t1, o2, t2] = records.map(({ record }, seq) => ({
    record: { ...record, seq: seq + 1 },
  }));
  if (!o0 || !t0 || !o1 || !t1 || !o2 || !t2) throw new Error('six');
  for (const order of [
    [one.link(0), one.link(1), o0, t1, t0, o2, o1, t2],
    [o0, one.link(0), t0, t1, t2, one.link(1), o1, o2],
  ])
    expect(await runsOf([...order, one.chain(), two.link(0), two.link(1), two.chain()])).toEqual([
      told,
      told,
    ]);
});

test('a run that a record wrongly claimed to be has its own id and its own calls', async () => {
  const main = new Passage();
  const x = new Passage({ chain: 'early', links: ['x'], vcon: 'W', number: 8, pid: 9 });
  // Nothing is known yet of the chain that is named, nor that what names it is a failed run's span.
  const wrong = { ...stale, root_span_id: x.chainId, chain: 'another' };
  const harness = await openHarness({ plans, settle: 10, timeout: 300 });
  deliver(harness.assembly, [
    main.record(-1, 'V', 'V', wrong),
    ...endsOfFailed,
    main.record(0),
    x.record(-1),
    x.record(0),
    main.record(1),
    main.link(0),
    main.link(1),
    main.chain(),
    x.link(0),
    x.chain(),
  ]);
  await harness.settled();
  const other = ['chain_start W', 'run -1 W→W', 'link_start W x', 'link_complete W x', 'run 0 W→W'];
  expect(harness.runs()).toContainEqual(told);
  expect(harness.runs()).toContainEqual([...other, 'chain_complete W', 'run 1 W→W']);
  await harness.close();
});
