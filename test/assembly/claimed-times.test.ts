import { describe, expect, test } from 'vitest';
import type { ReportedFact, SpanFact } from '../../src/model/fact.ts';
import type { EventContext } from '../../src/model/tracer.ts';
import { readServerFact } from '../../src/receivers/server-fact.ts';
import { FactWorker } from '../support/fact-worker.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemoryInbox } from '../support/memory-inbox.ts';
import { openHarness } from './harness.ts';
import { millis, Passage } from './passage.ts';

// What a sender says of when something happened is believed within a window around its receipt.

const DAY = 86_400_000;
const WINDOW = { oldest: 31 * DAY, ahead: 3_600_000, settle: 100 };
const AB = { main: { links: ['a', 'b'], storages: [] } };
/** Of a passage that begins then, milliseconds after the start of the test's world. */
const CLAIMS = { 'of 1970': 5 - millis(0), 'of 5138': 99_999_999_990_000 - millis(0) };
const RECEIPT = millis(1_000);
const LATER = millis(5_000);

/** What is heard of a run, in the ways that there are. */
interface Heard {
  readonly spans: readonly SpanFact[];
  readonly records: readonly ReportedFact[];
}

const spansFrom = (start: number): SpanFact[] => {
  const main = new Passage({ start });
  return [main.link(0), main.link(1), main.storage('s'), main.chain()].flatMap((delivery) =>
    'spans' in delivery ? delivery.spans : [],
  );
};

const recordsFrom = (start: number): ReportedFact[] => {
  const main = new Passage({ start });
  return [-1, 0, 1].map((index) => main.record(index).record);
};

/** Facts of a process whose clock stands at another time. */
function factsFrom(start: number): ReportedFact[] {
  const worker = new FactWorker(7);
  const chain = { name: 'main', links: ['a', 'b'], storages: ['s'] };
  const texts = [worker.attach(), ...worker.run(1, chain, '018f0000-0000-8000-8000-000000000001')];
  return texts.map((text) => {
    const fact = JSON.parse(text) as Record<string, unknown>;
    for (const name of ['ts', 'start', 'end'])
      if (name in fact) fact[name] = String(BigInt(millis(start)) * 1_000_000n);
    return readServerFact(fact);
  });
}

const KINDS: Readonly<Record<string, (start: number) => Heard>> = {
  spans: (start) => ({ spans: spansFrom(start), records: [] }),
  records: (start) => ({ spans: [], records: recordsFrom(start) }),
  'records and spans': (start) => ({ spans: spansFrom(start), records: recordsFrom(start) }),
  'facts from inside the server': (start) => ({ spans: [], records: factsFrom(start) }),
};

async function open({ at = RECEIPT, inbox = new MemoryInbox(), window = WINDOW } = {}) {
  const clock = new ManualClock(at);
  const harness = await openHarness({ clock, inbox, plans: AB, ...window });
  return {
    ...harness,
    inbox,
    hear({ spans, records }: Heard) {
      if (spans.length > 0) harness.assembly.spans(spans);
      for (const record of records) harness.assembly.record(record);
    },
    /** What tracers were told of, each event once. */
    told: () => [...new Map(harness.calls.map(({ context }) => [context.eventId, context])).values()],
  };
}

const timesOf = (events: readonly EventContext[]) => new Set(events.map(({ time }) => Math.round(time)));

describe.each(Object.entries(KINDS))('%s', (_kind, make) => {
  describe.each(Object.entries(CLAIMS))('%s', (_, start) => {
    test('happened when they were received, and that is said', async () => {
      const { hear, told, settled, close, issues } = await open();
      const heard = make(start);
      hear(heard);
      await settled();
      const events = told();
      expect(events.length).toBeGreaterThan(4);
      expect(new Set(events.map(({ runId }) => runId)).size).toBe(1);
      expect(timesOf(events)).toEqual(new Set([RECEIPT]));
      for (const { inferred, duration } of events) {
        expect(inferred).toContain('time');
        expect(inferred.includes('duration')).toBe(duration !== undefined);
        expect(duration ?? 0).toBe(0);
      }
      expect(issues.of('wrong_time')).toBe(heard.spans.length + heard.records.length);
      await close();
    });

    test('are told the same after a restart, whatever is configured then', async () => {
      const before = await open();
      before.hear(make(start));
      await before.durable();
      const inbox = new MemoryInbox(before.inbox);
      await before.settled();
      const after = await open({ at: LATER, inbox, window: { ...WINDOW, oldest: 1, ahead: 1 } });
      await after.settled();
      expect(after.told().length).toBeGreaterThan(0);
      const told = new Map(before.told().map((event) => [event.eventId, event]));
      for (const event of after.told()) expect(event).toEqual(told.get(event.eventId));
      await before.close();
      await after.close();
    });

    test('that come again are no news', async () => {
      const { hear, told, settled, close, clock, calls, assembly } = await open();
      const heard = make(start);
      hear(heard);
      await assembly.taken();
      await clock.pass(10);
      hear(heard);
      await settled();
      const events = told();
      expect(new Set(events.map(({ runId }) => runId)).size).toBe(1);
      expect(timesOf(events)).toContain(RECEIPT);
      expect(calls.length).toBe(new Set(calls.map(({ call, context }) => `${call} ${context.eventId}`)).size);
      await close();
    });
  });

  test('of the last month, or of an hour to come, are believed', async () => {
    for (const start of [1_000 - 30 * DAY, 1_000 + 3_500_000]) {
      const { hear, told, settled, close, issues } = await open();
      hear(make(start));
      await settled();
      for (const { time } of told()) expect(Math.abs(time - millis(start))).toBeLessThan(1_000);
      expect(issues.of('wrong_time')).toBe(0);
      await close();
    }
  });
});

test('a span with one end that can be is not longer than no time, and keeps that end', async () => {
  const { hear, told, settled, close } = await open();
  const main = new Passage({ start: 0 });
  const spans = [
    main.link(0),
    main.link(1, { to: CLAIMS['of 5138'] }),
    main.chain({ from: CLAIMS['of 1970'] }),
  ];
  hear({ spans: spans.flatMap((delivery) => ('spans' in delivery ? delivery.spans : [])), records: [] });
  await settled();
  const ends = told().filter(({ duration }) => duration !== undefined);
  for (const { duration } of ends) expect(duration).toBeGreaterThanOrEqual(0);
  const of = (stage: string, phase: string, index?: number) =>
    told().find((event) => event.stage === stage && event.phase === phase && event.linkIndex === index);
  expect(of('link', 'complete', 0)).toMatchObject({ inferred: ['out_vcon_uuid'], time: millis(25) });
  expect(of('link', 'start', 1)).toMatchObject({ time: millis(30) });
  expect(of('link', 'complete', 1)).toMatchObject({ time: RECEIPT });
  expect(of('chain', 'start')).toMatchObject({ time: millis(500) });
  expect(of('chain', 'complete')).toMatchObject({ time: millis(500), duration: 0 });
  await close();
});

test.each(Object.entries(CLAIMS))(
  'spans %s that come one by one are one run, as it was',
  async (_, start) => {
    const { hear, told, settled, close, clock, assembly } = await open();
    const main = new Passage({ start });
    const heard = [
      main.link(0),
      main.chain({ failed: true }),
      main.link(1, { failed: true }),
      main.record(0),
    ];
    for (const delivery of heard) {
      if ('spans' in delivery) hear({ spans: delivery.spans, records: [] });
      else hear({ spans: [], records: [delivery.record] });
      await assembly.taken();
      await clock.pass(30);
    }
    await settled();
    const events = told();
    expect(new Set(events.map(({ runId }) => runId)).size).toBe(1);
    expect(
      events.filter(({ phase }) => phase !== 'start').map(({ stage, phase }) => `${stage} ${phase}`),
    ).toEqual(['link complete', 'link error', 'chain error']);
    for (const { duration } of events) expect(duration ?? 0).toBeGreaterThanOrEqual(0);
    await close();
  },
);
