import { describe, expect, test } from 'vitest';
import type { ConfiguredChain } from '../../src/assembly/configured-chains.ts';
import type { RunObserver } from '../../src/model/run.ts';
import type { Call } from '../support/recording-tracer.ts';
import { type Delivery, deliver } from './deliveries.ts';
import { type HarnessSettings, openHarness } from './harness.ts';
import { millis, Passage } from './passage.ts';

// CONSERVER §9. V is the vCon's uuid, N the one that the link `nu` gives it.

interface Sent {
  readonly plans: Readonly<Record<string, ConfiguredChain>>;
  readonly spans: readonly Delivery[];
  readonly records: readonly Delivery[];
}

async function heard(
  { plans }: Pick<Sent, 'plans'>,
  deliveries: readonly Delivery[],
  settings: HarnessSettings = {},
) {
  const harness = await openHarness({ plans, settle: 10, timeout: 60, ...settings });
  deliver(harness.assembly, deliveries);
  await harness.settled();
  await harness.close();
  return { runs: harness.runs(), calls: harness.calls, issues: harness.issues.all() };
}

/** What spans alone are to tell. @returns what was concluded, and how everything ended */
async function expectCalls(sent: Sent, runs: readonly (readonly string[])[]) {
  const { runs: told, calls, issues } = await heard(sent, sent.spans);
  expect(told).toEqual(runs);
  return { inferred: inferred(calls), outcomes: outcomes(calls), issues };
}

/** Each order in which spans and records of the same runs can come. */
const together = ({ spans, records }: Sent): Delivery[][] => [
  [...records, ...spans],
  [...spans, ...records],
  [...records, ...records, ...spans, ...spans],
  [...spans.toReversed(), ...records.toReversed()],
];

async function expectTogether(sent: Sent, runs: readonly (readonly string[])[]) {
  for (const order of together(sent)) {
    const { runs: told } = await heard(sent, order);
    expect(told.toSorted()).toEqual(runs.toSorted());
  }
}

const events = (calls: readonly Call[]) => calls.filter((call) => call.call === 'trace');
/** What was concluded, of events of which anything was. */
const inferred = (calls: readonly Call[]) =>
  Object.fromEntries(
    events(calls)
      .filter(({ context }) => context.inferred.length > 0)
      .map(({ event, context: { link, storage, inferred } }) => [
        [event, link ?? storage].filter(Boolean).join(' '),
        inferred.join(' '),
      ]),
  );
const outcomes = (calls: readonly Call[]) =>
  events(calls).flatMap(({ context: { link, storage, stage, outcome, errorType } }) =>
    outcome === undefined ? [] : [[link ?? storage ?? stage, outcome, errorType].filter(Boolean).join(' ')],
  );

const started = ['chain_start V', 'run -1 V→V'];
const link = (name: string, index: number, before = 'V', after = before) => [
  `link_start ${before} ${name}`,
  `link_complete ${after} ${name}`,
  `run ${index} ${before}→${after}`,
];
const storage = (name: string, uuid = 'V', phase = 'complete') => [
  `storage_start ${uuid} ${name}`,
  `storage_${phase} ${uuid} ${name}`,
];
const completed = (links: number, after = 'V') => [`chain_complete ${after}`, `run ${links} V→${after}`];

describe('1. two links and a storage', () => {
  const main = new Passage();
  const sent = {
    plans: { main: { links: ['a', 'b'], storages: ['s1'] } },
    spans: [main.link(0), main.link(1), main.storage('s1'), main.chain()],
    records: [main.record(-1), main.record(0), main.record(1)],
  };
  const told = [...started, ...link('a', 0), ...link('b', 1), ...storage('s1'), ...completed(2)];

  test('spans alone tell it all, but what the links returned has to be concluded', async () => {
    expect(await expectCalls(sent, [told])).toEqual({
      inferred: {
        'link_complete a': 'out_vcon_uuid',
        'link_complete b': 'out_vcon_uuid',
        chain_complete: 'out_vcon_uuid',
      },
      outcomes: ['a success', 'b success', 's1 success', 'chain complete'],
      issues: {},
    });
  });

  test('records and spans tell it once, in whatever order they come', () => expectTogether(sent, [told]));

  test('after its spans, records leave nothing to conclude', async () => {
    const { calls } = await heard(sent, [...sent.spans, ...sent.records]);
    expect(inferred(calls)).toEqual({});
  });

  test('before its spans, records tell of what has to be concluded at that moment', async () => {
    const { calls } = await heard(sent, [...sent.records, ...sent.spans]);
    expect(inferred(calls)).toEqual({
      chain_start: 'time',
      'link_start a': 'time',
      'link_complete a': 'time duration',
      'link_start b': 'time',
    });
  });

  test('records alone tell the links, of spans that nobody has recorded', async () => {
    const bare = new Passage();
    const { runs, calls, issues } = await heard(
      sent,
      [-1, 0, 1].map((index) => bare.bareRecord(index, 'V')),
    );
    expect(runs).toEqual([[...started, ...link('a', 0), ...link('b', 1), ...completed(2)]]);
    expect(inferred(calls)).toEqual({
      chain_start: 'time span',
      'link_start a': 'time span',
      'link_complete a': 'span time duration',
      'link_start b': 'time span',
      'link_complete b': 'span time duration outcome',
      chain_complete: 'span time duration outcome',
    });
    expect(new Set(calls.map(({ context }) => context.chain))).toEqual(new Set(['main']));
    expect(issues).toEqual({});
  });

  test('in real time, what is certain by a record is told at once', async () => {
    const harness = await openHarness({ plans: sent.plans });
    deliver(harness.assembly, [main.record(-1), main.record(0)]);
    await harness.heard();
    expect(harness.runs()).toEqual([[...started, 'link_start V a']]);
    deliver(harness.assembly, [main.record(1)]);
    await harness.heard();
    expect(harness.runs()).toEqual([[...started, ...link('a', 0), 'link_start V b']]);
    await harness.close();
  });
});

describe('2. a link that gives the vCon a new uuid', () => {
  const main = new Passage({ links: ['a', 'nu', 'b'] });
  const N = { vconUuid: 'N' };
  const sent = {
    plans: { main: { links: ['a', 'nu', 'b'], storages: ['s1'] } },
    spans: [main.link(0), main.link(1), main.link(2, N), main.storage('s1', N), main.chain()],
    records: [main.record(-1), main.record(0), main.record(1, 'V', 'N'), main.record(2, 'N')],
  };
  const links = [...link('a', 0), ...link('nu', 1, 'V', 'N'), ...link('b', 2, 'N')];
  const told = [...started, ...links, ...storage('s1', 'N'), ...completed(3, 'N')];

  test('is seen in what the next step works on', () => expectCalls(sent, [told]));

  test('is told once by records and spans', () => expectTogether(sent, [told]));

  test('is told by records alone', async () => {
    const bare = new Passage({ links: ['a', 'nu', 'b'] });
    const records = [
      bare.bareRecord(-1, 'V'),
      bare.bareRecord(0, 'V'),
      bare.bareRecord(1, 'V', 'N'),
      bare.bareRecord(2, 'N'),
    ];
    const { runs } = await heard(sent, records);
    expect(runs).toEqual([[...started, ...links, ...completed(3, 'N')]]);
  });

  test('as the last one it is seen in the storages, and nowhere if there are none', async () => {
    const tail = new Passage({ links: ['nu'], chain: 'tail' });
    const plans = { tail: { links: ['nu'] } };
    const stored = [tail.link(0), tail.storage('s1', N), tail.chain()];
    expect((await heard({ plans }, stored)).runs).toEqual([
      [...started, ...link('nu', 0, 'V', 'N'), ...storage('s1', 'N'), ...completed(1, 'N')],
    ]);
    const unseen = await heard({ plans }, [tail.link(0), tail.chain()]);
    expect(unseen.runs).toEqual([[...started, ...link('nu', 0), ...completed(1)]]);
    expect(inferred(unseen.calls)).toEqual({
      'link_complete nu': 'out_vcon_uuid outcome',
      chain_complete: 'outcome out_vcon_uuid',
    });
  });
});

describe('3. a link that halts the chain', () => {
  const main = new Passage({ links: ['a', 'halt', 'b'] });
  const sent = {
    plans: { main: { links: ['a', 'halt', 'b'], storages: ['s1'] } },
    spans: [main.link(0), main.link(1), main.chain()],
    records: [main.record(-1), main.record(0), main.record(1)],
  };
  const told = [...started, ...link('a', 0), ...link('halt', 1), ...completed(3)];

  test('is concluded from the links that did not run', async () => {
    expect(await expectCalls(sent, [told])).toEqual({
      inferred: {
        'link_complete a': 'out_vcon_uuid',
        'link_complete halt': 'outcome',
        chain_complete: 'outcome out_vcon_uuid',
      },
      outcomes: ['a success', 'halt halt', 'chain halted'],
      issues: {},
    });
  });

  test('is told once by records and spans; the chain is halted, whatever was thought of the link', async () => {
    await expectTogether(sent, [told]);
    for (const order of together(sent)) {
      const { calls } = await heard(sent, order);
      expect(outcomes(calls).at(-1)).toBe('chain halted');
    }
  });

  test('as the last link it is concluded from storages that were not written', async () => {
    const end = new Passage({ links: ['a', 'halt'] });
    const plans = { main: { links: ['a', 'halt'], storages: ['s1'] } };
    const { calls } = await heard({ plans }, [end.link(0), end.link(1), end.chain()]);
    expect(outcomes(calls)).toEqual(['a success', 'halt halt', 'chain halted']);
  });

  test('of which only records tell, nobody can know the end of', async () => {
    const bare = new Passage({ links: ['a', 'halt', 'b'] });
    const { runs, calls, issues } = await heard(
      sent,
      [-1, 0, 1].map((index) => bare.bareRecord(index, 'V')),
    );
    expect(runs).toEqual([[...started, ...link('a', 0), ...link('halt', 1), 'chain_lost V']]);
    expect(outcomes(calls)).toEqual(['a success', 'halt unknown', 'chain unknown']);
    expect(inferred(calls).chain_lost).toContain('outcome');
    expect(issues).toEqual({ lost_run: 1 });
  });
});

describe('4. a link that raises', () => {
  const links = ['a', 'boom', 'b'];
  const main = new Passage({ links });
  const failed = main.link(1, { failed: true });
  const ended = main.chain({ undecided: true, to: 8_000 });
  const sent = {
    plans: { main: { links, storages: ['s1'] } },
    spans: [main.link(0), failed, ended],
    records: [main.record(-1), main.record(0)],
  };
  const told = [...started, ...link('a', 0), 'link_start V boom', 'link_error V boom', 'chain_error V'];

  test('fails the chain, and there is no call for it nor one at completion', async () => {
    expect(await expectCalls(sent, [told])).toEqual({
      inferred: { 'link_complete a': 'out_vcon_uuid', chain_error: 'time duration' },
      outcomes: ['a success', 'boom error ValueError', 'chain error ValueError'],
      issues: {},
    });
    await expectTogether(sent, [told]);
  });

  test('fails it too where the span of the chain never comes', async () => {
    const { runs, calls, issues } = await heard(sent, [main.link(0), failed]);
    expect(runs).toEqual([told]);
    expect(outcomes(calls).at(-1)).toBe('chain error ValueError');
    expect(issues).toEqual({});
  });

  test('the end that its chain span got from the garbage collector is not told', async () => {
    const { calls } = await heard(sent, sent.spans);
    expect(calls.at(-1)?.context).toMatchObject({ duration: 0.045, time: millis(45) });
  });

  test('a chain span that is UNSET, where no link failed, says nothing: another span still may', async () => {
    const { runs, calls, issues } = await heard(sent, [main.link(0), ended]);
    expect(runs).toEqual([[...started, ...link('a', 0), 'chain_lost V']]);
    expect(outcomes(calls)).toEqual(['a unknown', 'chain unknown']);
    expect(issues).toEqual({ lost_run: 1 });
    const harness = await openHarness({ plans: sent.plans });
    deliver(harness.assembly, [main.link(0), ended]);
    await harness.pass(1_000);
    deliver(harness.assembly, [failed]);
    await harness.pass(1_000);
    expect(harness.runs()).toEqual([told]);
    await harness.close();
  });

  test('in a run of which only records tell, nobody can know the end', async () => {
    const bare = new Passage({ links });
    const { runs, issues } = await heard(sent, [bare.bareRecord(-1, 'V'), bare.bareRecord(0, 'V')]);
    expect(runs).toEqual([[...started, ...link('a', 0), 'chain_lost V']]);
    expect(issues).toEqual({ lost_run: 1 });
  });
});

describe('5. a failure, then a success on the same worker', () => {
  const plans = { main: { links: ['boom'], storages: ['s1'] }, other: { links: ['a'], storages: ['s1'] } };
  const first = new Passage({ links: ['boom'] });
  const second = new Passage({ chain: 'other', links: ['a'], vcon: 'W', number: 2, start: 100, seq: 1 });
  const inFirst = { traceId: first.traceId };
  const leaked = { ...inFirst, parentSpanId: first.chainId };
  const spansOfFirst = [first.link(0, { failed: true })];
  const spansOfSecond = [second.link(0, inFirst), second.storage('s1', inFirst), second.chain(leaked)];
  const end = first.chain({ undecided: true, to: 60_000 });
  const sent = {
    plans,
    spans: [...spansOfFirst, ...spansOfSecond, end],
    records: [
      first.record(-1),
      ...[-1, 0].map((index) => second.record(index, 'W', 'W', { trace_id: first.traceId })),
    ],
  };
  const error = [...started, 'link_start V boom', 'link_error V boom', 'chain_error V'];
  const complete = [
    ['chain_start W', 'run -1 W→W'],
    link('a', 0, 'W'),
    storage('s1', 'W'),
    ['chain_complete W', 'run 1 W→W'],
  ].flat();

  test('are two runs, one in error and one complete, and nothing mixed', async () => {
    await expectTogether(sent, [error, complete]);
    const { issues } = await heard(sent, sent.spans);
    expect(issues).toEqual({ leaked_context: 1 });
  });

  test('so they are where the first chain span never arrives', async () => {
    const { runs, issues } = await heard(sent, [...spansOfFirst, ...spansOfSecond]);
    expect(runs).toEqual([error, complete]);
    expect(issues).toEqual({ leaked_context: 1 });
  });

  test('so they are where it arrives minutes after both are over, which is no trouble', async () => {
    const harness = await openHarness({ plans, settle: 10 });
    deliver(harness.assembly, [...sent.records, ...spansOfFirst, ...spansOfSecond]);
    await harness.settled();
    deliver(harness.assembly, [end, end]);
    await harness.settled();
    expect(harness.runs()).toEqual([error, complete]);
    expect(harness.issues.all()).toEqual({ leaked_context: 1 });
    await harness.close();
  });

  test('so they are where the second chain is the same, with the same vCon', async () => {
    const again = new Passage({ links: ['boom'], number: 2, start: 100 });
    const { runs } = await heard({ plans }, [
      again.storage('s1', inFirst),
      again.chain(leaked),
      again.link(0, inFirst),
      ...spansOfFirst,
      end,
    ]);
    expect(runs.toSorted()).toEqual(
      [error, [...started, ...link('boom', 0), ...storage('s1'), ...completed(1)]].toSorted(),
    );
  });
});

describe('6. a storage that fails', () => {
  const main = new Passage({ links: ['a'] });
  const failed = main.storage('s2', { failed: true, errorType: 'ConnectionError' });
  const sent = {
    plans: { main: { links: ['a'], storages: ['s2'] } },
    spans: [main.link(0), failed, main.chain()],
    records: [main.record(-1), main.record(0)],
  };

  test('does not fail the chain', async () => {
    const told = [...started, ...link('a', 0), ...storage('s2', 'V', 'error'), ...completed(1)];
    const { outcomes } = await expectCalls(sent, [told]);
    expect(outcomes).toEqual(['a success', 's2 error ConnectionError', 'chain complete']);
    await expectTogether(sent, [told]);
  });
});

describe('7. storages that are written side by side', () => {
  const plans = { main: { links: ['a'], storages: ['s1', 's2', 's3'] } };
  const told = [
    ...started,
    ...link('a', 0),
    'storage_start V s1',
    'storage_start V s2',
    'storage_start V s3',
    'storage_error V s2',
    'storage_complete V s1',
    'storage_complete V s3',
    ...completed(1),
  ];
  const stored = (main: Passage, how: 'storage' | 'aside') => [
    main[how]('s1', { from: 40, to: 70 }),
    main[how]('s2', { from: 41, to: 60, failed: true }),
    main[how]('s3', { from: 42, to: 80 }),
  ];

  test.for(['storage', 'aside'] as const)('are told in the order of the clock, as %s', async (how) => {
    const main = new Passage({ links: ['a'] });
    const spans = [main.link(0), ...stored(main, how), main.chain()];
    const sent = { plans, spans, records: [main.record(-1), main.record(0)] };
    const { issues } = await expectCalls(sent, [told]);
    expect(issues).toEqual({});
    await expectTogether(sent, [told]);
  });

  test('without a parent they go to the run of their vCon that they fit in time', async () => {
    const main = new Passage({ links: ['a'] });
    const later = new Passage({ links: ['a'], number: 2, start: 600 });
    const aside = [...stored(later, 'aside'), ...stored(main, 'aside')];
    const { runs } = await heard({ plans }, [
      ...aside,
      later.chain(),
      main.chain(),
      later.link(0),
      main.link(0),
    ]);
    expect(runs).toEqual([told, told]);
  });

  test('without a parent and without a run, they are counted', async () => {
    const main = new Passage({ links: ['a'] });
    const harness = await openHarness({ plans, settle: 10, timeout: 40 });
    deliver(harness.assembly, stored(main, 'aside'));
    await harness.pass(80);
    expect(harness.issues.all()).toEqual({ orphan_span: 3 });
    expect(harness.calls).toEqual([]);
    await harness.close();
  });
});

describe('8. two chains', () => {
  const plans = { main: { links: ['a'], storages: ['s1'] }, second: { links: ['b'], storages: ['s3'] } };
  const main = new Passage({ links: ['a'] });
  const second = new Passage({ chain: 'second', links: ['b'], number: 2, start: 40, seq: 2 });
  const first = { traceId: main.traceId, spanId: main.chainId, traceFlags: 1, isRemote: true };
  const sent = {
    plans,
    // The first chain's storage ends after the second chain began.
    spans: [
      main.link(0),
      second.link(0),
      main.storage('s1', { from: 35, to: 300 }),
      main.chain(),
      second.storage('s3'),
      second.chain({ to: 80, queuedBy: [first] }),
    ],
    records: [main.record(-1), main.record(0), second.record(-1), second.record(0)],
  };
  const told = [
    [...started, ...link('a', 0), ...storage('s1'), ...completed(1)],
    [...started, ...link('b', 0), ...storage('s3'), ...completed(1)],
  ];

  test('are two runs in two traces', async () => {
    await expectTogether(sent, told);
    const { calls } = await heard(sent, sent.spans);
    const traces = new Set(calls.map(({ context }) => context.spanContext.traceId));
    expect(traces).toEqual(new Set([main.traceId, second.traceId]));
  });

  test('the second one says that the first has queued it', async () => {
    const queuedBy: [string, string[]][] = [];
    const observer: RunObserver = {
      began: () => {},
      stepEnded: () => {},
      ended: (run) => void queuedBy.push([run.chain, run.queuedBy.map(({ spanId }) => spanId)]),
      abandoned: () => {},
    };
    await heard(sent, sent.spans, { observers: [observer] });
    expect(queuedBy).toEqual([
      ['main', []],
      ['second', [main.chainId]],
    ]);
  });
});

describe('9. a tracer of the server that fails with dlq_vcon_on_error', () => {
  const plans = { main: { links: ['a', 'b'], storages: ['s1'] } };

  test('after link 0: the link fails, though a record was made in it', async () => {
    const main = new Passage();
    const sent = {
      plans,
      spans: [main.link(0, { failed: true, errorType: 'TracerError' }), main.chain({ undecided: true })],
      records: [main.record(-1), main.record(0)],
    };
    const told = [...started, 'link_start V a', 'link_error V a', 'chain_error V'];
    await expectCalls(sent, [told]);
    await expectTogether(sent, [told]);
    for (const order of together(sent)) {
      const { calls } = await heard(sent, order);
      expect(outcomes(calls)).toEqual(['a error TracerError', 'chain error TracerError']);
    }
  });

  test('before link 0: it fails without having run', async () => {
    const main = new Passage();
    const sent = {
      plans,
      spans: [main.link(0, { failed: true, errorType: 'TracerError' }), main.chain({ undecided: true })],
      records: [main.record(-1)],
    };
    const told = [...started, 'link_start V a', 'link_error V a', 'chain_error V'];
    await expectCalls(sent, [told]);
    await expectTogether(sent, [told]);
  });
});

describe('10. the same vCon more than once', () => {
  test('in two chains at once, is two runs', async () => {
    const main = new Passage({ links: ['a'] });
    const other = new Passage({ links: ['b'], chain: 'other', number: 2, start: 3, pid: 8 });
    const sent = {
      plans: { main: { links: ['a'] }, other: { links: ['b'] } },
      spans: [main.link(0), other.link(0), other.chain(), main.chain()],
      records: [main.record(-1), other.record(-1), other.record(0), main.record(0)],
    };
    const told = [
      [...started, ...link('a', 0), ...completed(1)],
      [...started, ...link('b', 0), ...completed(1)],
    ];
    await expectTogether(sent, told);
    const bare = new Passage({ links: ['a'] });
    const otherBare = new Passage({ links: ['b'], chain: 'other', start: 3, pid: 8 });
    const { runs } = await heard(sent, [
      bare.bareRecord(-1, 'V'),
      otherBare.bareRecord(-1, 'V'),
      otherBare.bareRecord(0, 'V'),
      bare.bareRecord(0, 'V'),
    ]);
    expect(runs).toEqual(told);
  });

  test('in one chain at once, twice, is two runs', async () => {
    const one = new Passage({ links: ['a'] });
    const two = new Passage({ links: ['a'], number: 2, start: 2, pid: 8 });
    const sent = {
      plans: { main: { links: ['a'] } },
      spans: [one.link(0), two.link(0), one.chain(), two.chain()],
      records: [one.record(-1), two.record(-1), one.record(0), two.record(0)],
    };
    const told = [...started, ...link('a', 0), ...completed(1)];
    await expectCalls(sent, [told, told]);
    await expectTogether(sent, [told, told]);
  });

  test('in a chain that has a link twice, passes it twice', async () => {
    const links = ['a', 'a'];
    const main = new Passage({ links });
    const sent = {
      plans: { main: { links } },
      spans: [main.link(0), main.link(1), main.chain()],
      records: [main.record(-1), main.record(0), main.record(1)],
    };
    const told = [...started, ...link('a', 0), ...link('a', 1), ...completed(2)];
    await expectCalls(sent, [told]);
    await expectTogether(sent, [told]);
  });
});

describe('12. edges', () => {
  test('a chain without links writes its storage, and the only call is the one at completion', async () => {
    const main = new Passage({ links: [] });
    const sent = {
      plans: { main: { links: [], storages: ['s1'] } },
      spans: [main.storage('s1'), main.chain()],
      records: [],
    };
    const told = ['chain_start V', ...storage('s1'), ...completed(0)];
    expect(await expectCalls(sent, [told])).toMatchObject({ outcomes: ['s1 success', 'chain complete'] });
  });

  test('a link that is missing from the configuration shows in nothing: the end of its run is lost', async () => {
    const main = new Passage();
    const sent = {
      plans: { main: { links: ['a', 'b'] } },
      spans: [main.link(0), main.chain({ undecided: true })],
      records: [main.record(-1), main.record(0)],
    };
    const told = [...started, ...link('a', 0), 'chain_lost V'];
    await expectCalls(sent, [told]);
    await expectTogether(sent, [told]);
    const first = await heard(sent, [main.chain({ undecided: true })]);
    expect(first.runs).toEqual([[...started, 'chain_lost V']]);
  });

  test('a link that returns True leaves the uuid as it was, flagged', async () => {
    const main = new Passage();
    const odd = { vconUuid: undefined };
    const sent = {
      plans: { main: { links: ['a', 'b'], storages: ['s1'] } },
      spans: [main.link(0), main.link(1, odd), main.storage('s1', odd), main.chain()],
      records: [main.record(-1), main.record(0, 'V', true), main.record(1, true)],
    };
    const told = [...started, ...link('a', 0), ...link('b', 1), ...storage('s1'), ...completed(2)];
    const { inferred: flags } = await expectCalls(sent, [told]);
    expect(flags).toMatchObject({ 'link_complete a': 'out_vcon_uuid' });
    await expectTogether(sent, [told]);
  });
});

describe('13. the document', () => {
  test('its hash stands on the event of the step that left it so', async () => {
    const main = new Passage();
    const hash = (digit: string) => ({ vcon_sha256: digit.repeat(64) });
    const records = [
      main.record(-1, 'V', 'V', hash('a')),
      main.record(0, 'V', 'V', hash('b')),
      main.record(1, 'V', 'V'),
    ];
    const spans = [main.link(0), main.link(1), main.chain()];
    const plans = { main: { links: ['a', 'b'] } };
    for (const order of together({ plans, spans, records })) {
      const { calls } = await heard({ plans }, order);
      const hashes = events(calls).map(({ event, context }) => [
        event,
        context.link,
        context.vconSha256?.[0],
      ]);
      expect(hashes).toEqual([
        ['chain_start', undefined, 'a'],
        ['link_start', 'a', undefined],
        ['link_complete', 'a', 'b'],
        ['link_start', 'b', undefined],
        ['link_complete', 'b', undefined],
        ['chain_complete', undefined, undefined],
      ]);
    }
  });
});
