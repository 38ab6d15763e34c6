import { afterEach, describe, expect, test, vi } from 'vitest';
import { DeliveryError } from '../../../src/model/delivery-error.ts';
import { type Delivery, deliver } from './deliveries.ts';
import { millis, Passage } from './passage.ts';
import { openStand, type Stand, type StandSettings } from './stand.ts';

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

let stand: Stand | undefined;
afterEach(async () => {
  vi.useRealTimers();
  await stand?.close();
  stand = undefined;
});

async function open(settings: StandSettings = {}) {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date', 'performance'], now: millis(1_000) });
  const opened = await openStand({ plans, settle: SETTLE, timeout: TIMEOUT, ...settings });
  stand = opened;
  return {
    ...opened,
    hear: (...deliveries: Delivery[]) => deliver(opened.assembler, deliveries),
    /** Lets time pass, and tracers hear what comes of it. */
    async pass(milliseconds: number) {
      await vi.advanceTimersByTimeAsync(milliseconds);
      await opened.bridge.forceFlush();
    },
  };
}

describe('a run', () => {
  test('is over when its chain span has come and nothing more for the time to settle', async () => {
    const { assembler, hear, pass, runs } = await open();
    const main = new Passage();
    hear(main.link(0), main.chain());
    await pass(SETTLE - 1_000);
    hear(main.link(1));
    await pass(SETTLE - 1_000);
    expect([assembler.runs, runs()]).toEqual([1, []]);
    await pass(2_000);
    expect([assembler.runs, runs()]).toEqual([0, [told]]);
  });

  test('of which no end is heard is over after the timeout, as an error that is said to be concluded', async () => {
    const { hear, pass, calls, runs, issues } = await open();
    hear(new Passage().link(0));
    await pass(TIMEOUT - 1_000);
    expect(runs()).toEqual([]);
    await pass(2_000);
    expect(runs()).toEqual([[...started, ...link('a', 0), 'chain_error V']]);
    expect(calls.at(-1)?.context).toMatchObject({
      outcome: 'error',
      errorType: 'truncated',
      inferred: ['time', 'duration', 'outcome'],
    });
    expect(issues.all()).toEqual({ truncated_run: 1 });
  });

  test('of a chain with a timeout of its own is over after that', async () => {
    const { hear, pass, assembler } = await open({
      plans: { main: { links: ['a', 'b'], timeout: 60_000 }, other: { links: ['a'] } },
    });
    hear(new Passage().link(0), new Passage({ chain: 'other', number: 2 }).link(0));
    await pass(61_000);
    expect(assembler.runs).toBe(1);
  });

  test('with a gap waits for the timeout, then the link is told as missing', async () => {
    const { hear, pass, calls, issues, assembler, runs } = await open();
    const main = new Passage();
    hear(main.link(1), main.chain());
    await pass(TIMEOUT - 1_000);
    expect(assembler.runs).toBe(1);
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

  test('whose records have ids waits for its spans where spans come at all', async () => {
    const { hear, pass, assembler, runs } = await open();
    const main = new Passage();
    const other = new Passage({ number: 2, vcon: 'W' });
    hear(other.link(0), other.link(1), other.chain(), main.record(-1), main.record(0), main.record(1));
    await pass(60_000);
    expect(assembler.runs).toBe(1);
    expect(runs()[0]).toEqual([...started, ...link('a', 0), ...link('b', 1)]);
  });

  test('of which only records tell is over after settling, with the last link', async () => {
    const { hear, pass, runs, issues } = await open();
    const main = new Passage();
    hear(main.bareRecord(-1, 'V'), main.bareRecord(0, 'V'));
    await pass(SETTLE * 3);
    expect(runs()).toEqual([[...started, ...link('a', 0)]]);
    hear(main.bareRecord(1, 'V'));
    await pass(SETTLE + 1_000);
    expect(runs()).toEqual([told]);
    expect(issues.all()).toEqual({});
  });

  test('is not taken to be over while a source is catching up, but in its timeout', async () => {
    const { assembler, hear, pass } = await open();
    const main = new Passage();
    assembler.catchingUp('stream', true);
    hear(main.link(0), main.link(1), main.chain());
    await pass(TIMEOUT / 2);
    expect(assembler.runs).toBe(1);
    assembler.catchingUp('stream', false);
    await pass(2_000);
    expect(assembler.runs).toBe(0);
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
    const { hear, pass, runs, issues, assembler } = await open();
    const main = new Passage();
    const late = main.record(1);
    hear(main.link(0), main.link(1), main.chain());
    await pass(SETTLE + 1_000);
    hear(main.storage('s1'), main.link(0), main.aside('s2'));
    expect(assembler.record(late.record).outcome).toBe('late');
    await pass(TIMEOUT + 1_000);
    expect(runs()).toEqual([told]);
    expect(issues.all()).toEqual({ late_span: 3, late_record: 1 });
  });

  test('a failed one, the chain span that the garbage collector ends is no trouble', async () => {
    const { hear, pass, runs, issues } = await open();
    const main = new Passage();
    hear(main.link(0, { failed: true }));
    await pass(SETTLE + 1_000);
    hear(main.chain({ failed: true, to: 600_000 }));
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
    expect(runs()).toEqual([[...started, ...link('a', 0), 'chain_error V']]);
    expect(issues.all()).toMatchObject({ truncated_run: 1, late_record: 1 });
  });
});

describe('what may be open at once', () => {
  test('is bounded: the run that was heard of longest ago is told as it stands, and counted', async () => {
    const { assembler, hear, runs, bridge, issues } = await open({ maxRuns: 2 });
    const [one, two, three] = [1, 2, 3].map((number) => new Passage({ number, vcon: `V${number}` }));
    if (!one || !two || !three) throw new Error('three');
    hear(one.link(0), two.link(0), one.link(1), three.link(0));
    await bridge.forceFlush();
    expect(assembler.runs).toBe(2);
    expect(runs().map(([first]) => first)).toEqual(['chain_start V2']);
    expect(issues.of('evicted_run')).toBe(1);
  });

  test('is bounded in spans too: those that belong nowhere go first in, first out, and are counted', async () => {
    const { hear, issues } = await open({ maxRuns: 1 });
    const main = new Passage();
    for (let i = 0; i < 25; i += 1) hear(main.aside(`s${i}`));
    expect(issues.all()).toEqual({ orphan_span: 5 });
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
    const { assembler, hear, pass, runs, issues } = await open();
    const one = new Passage();
    const two = new Passage({ number: 2, start: 5_000, vcon: 'W' });
    hear(...[-1, 0, 1].map((index) => one.bareRecord(index, 'V')));
    const outcomes = [-1, 0, 1].map((index) => assembler.record(two.bareRecord(index, 'W').record).outcome);
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
    const { assembler, calls } = await open(strict(() => true));
    await assembler.record(new Passage().record(-1).record).delivered();
    expect(calls.map(({ call }) => call)).toContain('run');
  });

  test('includes what lies between and has to be concluded', async () => {
    const { assembler, calls } = await open(strict(() => true));
    await assembler.record(new Passage().record(1).record).delivered();
    expect(calls.filter(({ call }) => call === 'run')).toHaveLength(3);
    expect(calls[0]?.context.inferred).toContain('vcon_uuid');
  });

  test('is told as failed where the tracer will never have it', async () => {
    const failing = () => {
      throw new DeliveryError('no', { permanent: true });
    };
    const { assembler } = await open(strict(failing));
    const { delivered } = assembler.record(new Passage().record(-1).record);
    await expect(delivered()).rejects.toThrow();
  });

  test('is there after a retry, and for whoever sends the record again', async () => {
    let attempts = 0;
    const { assembler } = await open(
      strict(() => {
        attempts += 1;
        if (attempts === 1) throw new Error('once');
        return true;
      }),
    );
    const { record } = new Passage().record(-1);
    await assembler.record(record).delivered();
    const again = assembler.record(record);
    expect(again.outcome).toBe('duplicate');
    await again.delivered();
    expect(attempts).toBeGreaterThan(1);
  });
});
