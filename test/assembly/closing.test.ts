import { afterEach, describe, expect, test } from 'vitest';
import { memoryJournal } from '../../src/journal/memory.ts';
import { DeliveryError } from '../../src/model/delivery-error.ts';
import { runOfEvents } from '../../src/model/run-of-events.ts';
import { reader } from '../journal/reader.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { type Delivery, deliver } from './deliveries.ts';
import { type Harness, type HarnessSettings, openHarness } from './harness.ts';
import { millis, Passage } from './passage.ts';

// CONSERVER §6, closing a run. The clock stands still; only what a test says passes.

const SETTLE = 10_000;
const TIMEOUT = 900_000;
const plans = { main: { links: ['a', 'b'] } };
const started = ['chain_start V', 'run -1 V→V'];
const link = (name: string, index: number) => [
  `link_start V ${name}`,
  `link_complete V ${name}`,
  `run ${index} V→V`,
];
const completed = ['chain_complete V', 'run 2 V→V'];
const told = [...started, ...link('a', 0), ...link('b', 1), ...completed];

let harness: Harness | undefined;
afterEach(async () => {
  await harness?.close();
  harness = undefined;
});

async function open(settings: HarnessSettings = {}) {
  const opened = await openHarness({ plans, settle: SETTLE, timeout: TIMEOUT, ...settings });
  harness = opened;
  return {
    ...opened,
    hear: (...deliveries: Delivery[]) => deliver(opened.assembly, deliveries),
  };
}

describe('a run', () => {
  test('is over when its chain span has come and nothing more for the time to settle', async () => {
    const { assembly, hear, pass, runs } = await open();
    const main = new Passage();
    hear(main.link(0), main.chain());
    await pass(SETTLE - 1_000);
    hear(main.link(1));
    await pass(SETTLE - 1_000);
    expect([assembly.runs, runs()]).toEqual([1, []]);
    await pass(2_000);
    expect([assembly.runs, runs()]).toEqual([0, [told]]);
  });

  test('of which no end is heard is over after the timeout: nobody can know its end', async () => {
    const { hear, pass, calls, runs, issues } = await open();
    hear(new Passage().link(0));
    await pass(TIMEOUT - 1_000);
    expect(runs()).toEqual([]);
    await pass(2_000);
    expect(runs()).toEqual([[...started, ...link('a', 0), 'chain_lost V']]);
    expect(calls.at(-1)?.context).toMatchObject({
      outcome: 'unknown',
      errorType: undefined,
      inferred: ['time', 'duration', 'outcome', 'out_vcon_uuid'],
    });
    expect(issues.all()).toEqual({ lost_run: 1 });
  });

  test('of a chain with a timeout of its own is over after that', async () => {
    const { hear, pass, assembly } = await open({
      plans: { main: { links: ['a', 'b'], timeout: 60_000 }, other: { links: ['a'] } },
    });
    hear(new Passage().link(0), new Passage({ chain: 'other', number: 2 }).link(0));
    await pass(61_000);
    expect(assembly.runs).toBe(1);
  });

  test('with a gap waits for the timeout, then the link is told as missing', async () => {
    const { hear, pass, calls, issues, assembly, runs } = await open();
    const main = new Passage();
    hear(main.link(1), main.chain());
    await pass(TIMEOUT - 1_000);
    expect(assembly.runs).toBe(1);
    await pass(2_000);
    expect(runs()).toEqual([told]);
    const missing = calls.filter(({ context }) => context.inferred.includes('step'));
    expect(new Set(missing.map(({ context }) => context.link))).toEqual(new Set(['a']));
    expect(issues.all()).toEqual({ missing_link: 1 });
  });

  test('with a gap is over after settling, once that is filled', async () => {
    const { hear, pass, issues, runs } = await open();
    const main = new Passage();
    hear(main.link(1), main.chain());
    await pass(60_000);
    hear(main.link(0));
    await pass(SETTLE + 1_000);
    expect(runs()).toEqual([told]);
    expect(issues.all()).toEqual({});
  });

  test('does not wait for the span of a chain of which a link has failed', async () => {
    const { hear, pass, runs, issues } = await open();
    hear(new Passage().link(0, { failed: true }));
    await pass(SETTLE + 1_000);
    expect(runs()).toEqual([[...started, 'link_start V a', 'link_error V a', 'chain_error V']]);
    expect(issues.all()).toEqual({});
  });

  test('whose records have ids waits for its spans, even where none has come yet', async () => {
    const { hear, pass, assembly, runs, issues } = await open();
    const main = new Passage();
    hear(main.record(-1), main.record(0), main.record(1));
    await pass(60_000);
    expect(runs()).toEqual([[...started, ...link('a', 0), 'link_start V b']]);
    hear(main.link(0), main.link(1), main.storage('s1'), main.chain());
    await pass(SETTLE + 1_000);
    expect(assembly.runs).toBe(0);
    expect(runs()[0]?.slice(-2)).toEqual(completed);
    expect(issues.all()).toEqual({});
  });

  test('whose records have ids does not wait for spans where nothing brings any', async () => {
    const { hear, pass, calls, runs } = await open({ hearsSpans: false });
    const main = new Passage();
    hear(main.record(-1), main.record(0), main.record(1));
    await pass(SETTLE + 1_000);
    expect(runs()).toEqual([told]);
    expect(calls.at(-1)?.context).toMatchObject({ outcome: 'unknown', phase: 'complete' });
  });

  test('whose chain span says nothing waits for another that does, and is lost without it', async () => {
    const { hear, pass, runs, assembly } = await open();
    const [failing, stored] = [new Passage(), new Passage({ number: 2, vcon: 'W' })];
    hear(failing.link(0), failing.chain({ undecided: true }));
    hear(stored.link(0), stored.link(1), stored.chain({ undecided: true }));
    await pass(SETTLE + 1_000);
    expect(assembly.runs).toBe(2);
    hear(failing.link(1, { failed: true }), stored.storage('s1'));
    await pass(SETTLE + 1_000);
    expect(
      runs().map((run) => run.find((call) => call.startsWith('chain_') && !call.includes('start'))),
    ).toEqual(['chain_error V', 'chain_complete W']);
  });

  test('that was written to a storage waits for the links before it', async () => {
    const { hear, pass, runs, issues } = await open();
    const main = new Passage();
    hear(main.link(0), main.storage('s1'), main.chain());
    await pass(60_000);
    expect(runs()).toEqual([]);
    hear(main.link(1));
    await pass(SETTLE + 1_000);
    expect(runs()[0]).toContain('link_complete V b');
    expect(issues.all()).toEqual({});
  });

  describe('that was under way when nobody listened', () => {
    const configured = { plans: { main: { links: ['a', 'b'], storages: ['s1'] } } };
    /** Milliseconds since the Unix epoch at which a passage starts. */
    const began = millis(0);

    test('is not taken to be halted for what did not come', async () => {
      const { hear, pass, calls } = await open({ ...configured, clock: new ManualClock(began + 200) });
      hear(new Passage().link(0), new Passage().chain());
      const later = new Passage({ number: 2, vcon: 'W', start: 60_000 });
      await pass(60_000);
      hear(later.link(0), later.chain());
      await pass(SETTLE * 3);
      const ends = calls.filter(({ context }) => context.stage === 'chain' && context.outcome);
      expect(ends.map(({ context }) => context.outcome)).toEqual(
        expect.arrayContaining(['unknown', 'halted']),
      );
    });

    test('is one too where spans were refused meanwhile', async () => {
      let isFull = false;
      const clock = new ManualClock(began - TIMEOUT);
      const { assembly, hear, pass, calls } = await open({ ...configured, clock, full: () => isFull });
      await pass(TIMEOUT);
      isFull = true;
      expect(assembly.full).toBe(true);
      await pass(1_000);
      isFull = false;
      hear(new Passage().link(0), new Passage().chain());
      await pass(SETTLE * 3);
      expect(calls.at(-1)?.context).toMatchObject({ stage: 'chain', outcome: 'unknown' });
    });
  });

  test('of which only records tell is over after settling, with the last link', async () => {
    const { hear, pass, runs, issues } = await open();
    const main = new Passage();
    hear(main.bareRecord(-1, 'V'), main.bareRecord(0, 'V'));
    await pass(SETTLE * 3);
    expect(runs()).toEqual([[...started, 'link_start V a']]);
    hear(main.bareRecord(1, 'V'));
    await pass(SETTLE + 1_000);
    expect(runs()).toEqual([told]);
    expect(issues.all()).toEqual({});
  });

  test('is not taken to be over while a source is catching up, but in its timeout', async () => {
    const { assembly, hear, pass } = await open();
    const main = new Passage();
    assembly.catchingUp('stream', true);
    hear(main.link(0), main.link(1), main.chain());
    await pass(TIMEOUT / 2);
    expect(assembly.runs).toBe(1);
    assembly.catchingUp('stream', false);
    await pass(2_000);
    expect(assembly.runs).toBe(0);
  });

  test('of a chain that nothing names and no configuration has is called unknown, flagged', async () => {
    const { hear, pass, calls } = await open({ plans: {} });
    const main = new Passage();
    hear(main.bareRecord(-1, 'V'), main.bareRecord(0, 'V'), main.bareRecord(1, 'V'));
    await pass(SETTLE + 1_000);
    expect(calls[0]?.context.inferred).toContain('chain');
    expect(new Set(calls.map(({ context }) => context.chain))).toEqual(new Set(['unknown']));
  });

  test('of a chain that is not configured has the links that were seen, flagged', async () => {
    const { hear, pass, calls, runs } = await open({ plans: {} });
    const main = new Passage();
    hear(main.link(0), main.link(1), main.chain());
    await pass(SETTLE + 1_000);
    expect(runs()).toEqual([told]);
    expect(calls[0]?.context).toMatchObject({ links: ['a', 'b'], inferred: ['links'] });
  });
});

describe('after a run is over', () => {
  test('its spans and records are counted, and cause no call', async () => {
    const { hear, pass, runs, issues, assembly } = await open();
    const main = new Passage();
    const late = main.record(1);
    hear(main.link(0), main.link(1), main.chain());
    await pass(SETTLE + 1_000);
    hear(main.storage('s1'), main.link(0), main.aside('s2'));
    expect(await assembly.record(late.record).outcome).toBe('late');
    await pass(TIMEOUT + 1_000);
    expect(runs()).toEqual([told]);
    expect(issues.all()).toEqual({ late_span: 3, late_record: 1 });
  });

  test('what comes late is kept with it, and what had come before is not late', async () => {
    const journal = memoryJournal();
    const kept = reader(journal, 'after');
    const { hear, pass, heard, runs } = await open({ journal });
    const main = new Passage();
    hear(main.link(0), main.link(1), main.chain());
    await pass(SETTLE + 1_000);
    const late = main.storage('s1', { failed: true, errorType: 'OSError' });
    hear(main.link(0), late, late, main.bareRecord(1, 'V'));
    await heard();
    const events = await kept.read(9);
    const run = runOfEvents(events);
    expect([run.late, run.outcome, run.steps.length]).toEqual([2, 'unknown', 2]);
    expect(events.find(({ storage }) => storage)).toMatchObject({ outcome: 'error', calls: 'none' });
    expect(runs()).toEqual([told]);
  });

  test('a failed one, the chain span that the garbage collector ends is no trouble', async () => {
    const { hear, pass, runs, issues } = await open();
    const main = new Passage();
    hear(main.link(0, { failed: true }));
    await pass(SETTLE + 1_000);
    hear(main.chain({ undecided: true, to: 600_000 }));
    await pass(600_000);
    expect(runs()).toHaveLength(1);
    expect(issues.all()).toEqual({});
  });

  test('one whose end was concluded too early is not told twice', async () => {
    const { hear, pass, runs, issues } = await open();
    const main = new Passage();
    hear(main.record(-1), main.record(0));
    await pass(TIMEOUT + 1_000);
    hear(main.record(1), main.link(0), main.link(1));
    await pass(TIMEOUT + 1_000);
    expect(runs()).toEqual([[...started, ...link('a', 0), 'chain_lost V']]);
    expect(issues.all()).toMatchObject({ lost_run: 1, late_record: 1 });
  });
});

describe('what may be open at once', () => {
  test('is bounded: the run that was heard of longest ago is told as it stands, and counted', async () => {
    const { assembly, hear, runs, heard, issues } = await open({ maxRuns: 2 });
    const [one, two, three] = [1, 2, 3].map((number) => new Passage({ number, vcon: `V${number}` }));
    if (!one || !two || !three) throw new Error('three');
    hear(one.link(0), two.link(0), one.link(1), three.link(0));
    await heard();
    expect(assembly.runs).toBe(2);
    expect(runs().map(([first]) => first)).toEqual(['chain_start V2']);
    expect(issues.of('evicted_run')).toBe(1);
  });

  test('is less where memory is tight: an eighth of the runs is told as it stands, and counted', async () => {
    const { assembly, hear, runs, heard, issues, relieve } = await open();
    hear(...[...Array(16).keys()].map((number) => new Passage({ number, vcon: `V${number}` }).link(0)));
    await relieve();
    await heard();
    expect(assembly.runs).toBe(14);
    expect(runs().map(([first]) => first)).toEqual(['chain_start V0', 'chain_start V1']);
    expect(issues.of('evicted_run')).toBe(2);
  });

  test('is refused where memory is tight, until it is not', async () => {
    let isTight = true;
    const { assembly } = await open({ tight: () => isTight });
    expect(assembly.full).toBe(true);
    isTight = false;
    expect(assembly.full).toBe(false);
  });

  test('is bounded in spans too: those that belong nowhere go first in, first out, and are counted', async () => {
    const { hear, issues } = await open({ maxRuns: 1 });
    const main = new Passage();
    for (let i = 0; i < 25; i += 1) hear(main.aside(`s${i}`));
    expect(issues.all()).toEqual({ orphan_span: 5 });
  });
});

describe('callers who wait', () => {
  test('for very much at once, hear of it as there is room', async () => {
    const links = Array.from({ length: 100 }, (_, i) => `l${i}`);
    const journal = memoryJournal({ capacity: 2_500, onFull: 'block' });
    const { assembly, heard, runs } = await open({ journal, plans: { main: { links } } });
    const last = (number: number) => ({
      ...new Passage({ number, vcon: `V${number}` }).record(0).record,
      links,
      index: 99,
    });
    const receipts = Array.from({ length: 30 }, (_, number) =>
      assembly.record({ ...last(number), seq: number }),
    );
    await Promise.all(receipts.map((receipt) => receipt.delivered()));
    await heard();
    // Of none was anything dropped.
    expect(runs().map((run) => run.length)).toEqual(Array(30).fill(301));
  });
});

describe('a worker', () => {
  test('that two tracers forward from tells each call once', async () => {
    const { hear, pass, runs, issues } = await open();
    const one = new Passage();
    const two = new Passage({ tracer: 'other' });
    const sent = [-1, 0, 1].flatMap((index) => [one.record(index), two.record(index)]);
    const numbered = sent.map(({ record }, seq) => ({ record: { ...record, seq: seq + 1 } }));
    hear(...numbered, one.link(0), one.link(1), one.chain());
    await pass(SETTLE + 1_000);
    expect(runs()).toEqual([told]);
    expect(issues.all()).toEqual({});
  });

  test('that two tracers forward from without ids tells each call once', async () => {
    const { hear, pass, runs, issues } = await open();
    const one = new Passage();
    const two = new Passage({ tracer: 'other' });
    const sent = [-1, 0, 1].flatMap((index) => [one.bareRecord(index, 'V'), two.bareRecord(index, 'V')]);
    hear(...sent.map(({ record }, seq) => ({ record: { ...record, seq: seq + 1 } })));
    await pass(SETTLE + 1_000);
    expect(runs()).toEqual([told]);
    expect(issues.all()).toEqual({});
  });

  test('that was restarted under the same pid counts from 1 again', async () => {
    const { assembly, hear, pass, runs, issues } = await open();
    const one = new Passage();
    const two = new Passage({ number: 2, start: 5_000, vcon: 'W' });
    hear(...[-1, 0, 1].map((index) => one.bareRecord(index, 'V')));
    const outcomes = await Promise.all(
      [-1, 0, 1].map((index) => assembly.record(two.bareRecord(index, 'W').record).outcome),
    );
    await pass(SETTLE + 1_000);
    expect(outcomes).toEqual(['accepted', 'accepted', 'accepted']);
    expect(runs()).toEqual([told, told.map((call) => call.replaceAll('V', 'W'))]);
    expect(issues.all()).toEqual({});
  });

  test('whose numbers have gaps has lost records, after a minute', async () => {
    const { hear, pass, issues } = await open();
    const main = new Passage();
    const [first, second, third] = [-1, 0, 1].map((index) => main.record(index));
    if (!first || !second || !third) throw new Error('three');
    hear(first, { record: { ...third.record, seq: 9 } });
    await pass(30_000);
    hear({ record: { ...second.record, seq: 4 } });
    await pass(29_000);
    expect(issues.of('lost_record')).toBe(0);
    await pass(3_000);
    expect(issues.of('lost_record')).toBe(6);
  });
});

describe('what was delivered of a record', () => {
  const strict = (answer: () => unknown) => ({
    answer,
    options: { dlq_vcon_on_error: true },
  });

  test('is awaited where a tracer must not miss anything', async () => {
    const { assembly, calls } = await open(strict(() => true));
    await assembly.record(new Passage().record(-1).record).delivered();
    expect(calls.map(({ call }) => call)).toContain('run');
  });

  test('includes what lies between and has to be concluded', async () => {
    const { assembly, calls } = await open(strict(() => true));
    await assembly.record(new Passage().record(1).record).delivered();
    expect(calls.filter(({ call }) => call === 'run')).toHaveLength(3);
    expect(calls[0]?.context.inferred).toContain('vcon_uuid');
  });

  test('is told as failed where the tracer will never have it', async () => {
    const failing = () => {
      throw new DeliveryError('no', { permanent: true });
    };
    const { assembly } = await open(strict(failing));
    const { delivered } = assembly.record(new Passage().record(-1).record);
    await expect(delivered()).rejects.toThrow();
  });

  test('is there after a retry, and for whoever sends the record again', async () => {
    let attempts = 0;
    const { assembly } = await open(
      strict(() => {
        attempts += 1;
        if (attempts === 1) throw new Error('once');
        return true;
      }),
    );
    const { record } = new Passage().record(-1);
    await assembly.record(record).delivered();
    const again = assembly.record(record);
    expect(await again.outcome).toBe('duplicate');
    await again.delivered();
    expect(attempts).toBeGreaterThan(1);
  });
});
