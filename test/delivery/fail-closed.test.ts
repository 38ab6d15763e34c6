import { diag, ROOT_CONTEXT } from '@opentelemetry/api';
import { emptyResource } from '@opentelemetry/resources';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { DeliverySettings } from '../../src/delivery/delivery-policy.ts';
import { runSpan, unchangeable } from '../../src/exporters/run-span.ts';
import { runChain } from '../../src/instrumentation/run-chain.ts';
import { traceChain } from '../../src/instrumentation/trace-chain.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { memoryJournal } from '../../src/journal/memory.ts';
import { sqliteJournal } from '../../src/journal/sqlite.ts';
import type { Link } from '../../src/model/chain.ts';
import { chainEvent } from '../../src/model/chain-event.ts';
import { delivered } from '../../src/model/delivery.ts';
import { DeliveryError } from '../../src/model/delivery-error.ts';
import { GrowingRun } from '../../src/model/growing-run.ts';
import { TracerSpanProcessor } from '../../src/service/tracer-span-processor.ts';
import { memoryVconStore } from '../../src/vcon-store/index.ts';
import { temporaryPath } from '../journal/temporary-journal.ts';
import { PATIENCE } from '../support/eventually.ts';
import { keptJournal } from '../support/kept-journal.ts';
import { turns } from '../support/random-chain.ts';
import { type Call, inShort, recordingTracer } from '../support/recording-tracer.ts';
import { startSdk, type TestSdk } from '../support/sdk.ts';

let sdk: TestSdk | undefined;
afterEach(async () => {
  await sdk?.shutdown();
  sdk = undefined;
});

const QUICK: DeliverySettings = { retry: { initialInterval: 1, maxInterval: 1 } };

function start(
  answer: (call: Call, made: number) => unknown,
  delivery = QUICK,
  journal: Journal = memoryJournal(),
) {
  const order: string[] = [];
  let made = 0;
  const strict = recordingTracer((call) => {
    order.push(inShort(call));
    made += 1;
    return answer(call, made);
  });
  const bridge = new TracerSpanProcessor({
    tracers: [{ name: 'strict', module: strict.tracer, delivery, options: { dlq_vcon_on_error: true } }],
    journal,
    drainTimeout: 20,
  });
  sdk = startSdk([bridge]);
  const link = (name: string): Link => ({
    name,
    run: (uuid) => {
      order.push(name);
      return uuid;
    },
  });
  const vcons = memoryVconStore();
  const run = (...links: string[]) =>
    runChain(
      { name: 'main', links: links.map(link) },
      { uuid: 'V' },
      { vcons, queue: vcons, ingressList: 'in' },
    );
  return { bridge, order, run, calls: strict.calls };
}

const fail = (): never => {
  throw new Error('on purpose');
};

describe('a chain that waits for a tracer', () => {
  test('waits through its retries, and goes on when it has heard', async () => {
    const { order, run } = start((call, made) =>
      inShort(call) === 'run -1 V→V' && made < 4 ? fail() : true,
    );
    expect(await run('a')).toMatchObject({ outcome: 'complete', deadLettered: false });
    expect(order.slice(0, 6)).toEqual([
      'chain_start V',
      'run -1 V→V',
      'run -1 V→V',
      'run -1 V→V',
      'a',
      'link_start V a',
    ]);
  });

  test('fails when a call has failed for good', async () => {
    const { order, run } = start((call) => {
      if (inShort(call) === 'run 0 V→V') throw new DeliveryError('malformed', { permanent: true });
      return true;
    });
    expect(await run('a', 'b')).toMatchObject({
      outcome: 'error',
      deadLettered: true,
      error: { code: 'TRACER_FAILED' },
    });
    expect(order).not.toContain('b');
  });

  test('waits no longer than it may, while the event is tried on until it is heard', async () => {
    let isBack = false;
    const delivery = { ...QUICK, chainWait: 30 };
    const { bridge, calls, order, run } = start(() => (isBack ? true : fail()), delivery);
    expect(await run('a')).toMatchObject({
      outcome: 'error',
      deadLettered: true,
      error: { code: 'TRACER_FAILED', message: 'tracer strict has not heard the chain within 0.03 s' },
    });
    expect(order).not.toContain('a');
    expect(bridge.stats()).toMatchObject({ issues: { unheard_chain: 1 }, tracers: { strict: { dead: 0 } } });
    isBack = true;
    await vi.waitUntil(() => bridge.stats().tracers.strict?.ok === 2, PATIENCE);
    expect(calls.filter((call, at) => inShort(call) !== inShort(calls[at - 1] ?? call)).map(inShort)).toEqual(
      ['run -1 V→V', 'chain_error V'],
    );
    expect(await run('a')).toMatchObject({ outcome: 'complete' });
  });

  test('waits for a tracer that is slow but hears each step in time, and without end where it is to', async () => {
    for (const chainWait of [60_000, 0]) {
      const { run } = start((_call, made) => (made % 4 === 0 ? true : fail()), { ...QUICK, chainWait });
      expect(await run('a', 'b')).toMatchObject({ outcome: 'complete' });
      await sdk?.shutdown();
    }
  });

  test('fails when the attempts are over, and not before', async () => {
    const { order, run } = start((call) => (inShort(call) === 'chain_start V' ? fail() : true), {
      retry: { initialInterval: 1, maxInterval: 1, maxAttempts: 3 },
    });
    expect(await run('a')).toMatchObject({ outcome: 'error', deadLettered: true });
    expect(order.slice(0, 4)).toEqual(['chain_start V', 'chain_start V', 'chain_start V', 'run -1 V→V']);
    expect(order).not.toContain('a');
  });

  test('is told of each failure, however many chains have failed before', async () => {
    const { run } = start(fail, { retry: { maxAttempts: 1 } });
    for (let i = 0; i < 30; i += 1)
      expect(await run('a')).toMatchObject({ outcome: 'error', deadLettered: true });
  });

  test('passes by what answers false, unless that is to be tried again and was in vain', async () => {
    const answers = (call: Call) => call.call === 'trace';
    expect(await start(answers).run('a')).toMatchObject({ outcome: 'complete' });
    await sdk?.shutdown();
    const delivery = { retryFalse: true, retry: { initialInterval: 1, maxInterval: 1, maxAttempts: 2 } };
    expect(await start(answers, delivery).run('a')).toMatchObject({
      outcome: 'error',
      error: { code: 'TRACER_FAILED' },
    });
  });

  test('goes on when an operator skips what it waits for', async () => {
    const { journal, skip } = keptJournal();
    const { calls, run } = start(
      (call) => (inShort(call) === 'chain_start V' ? fail() : true),
      { retry: { initialInterval: 60_000 } },
      journal,
    );
    const running = run('a');
    await turns(3);
    if (calls[0]) skip('strict', calls[0].context);
    expect(await running).toMatchObject({ outcome: 'complete' });
  });

  test('fails when what it waits for is dropped', async () => {
    const { run, bridge } = start(() => true, {}, memoryJournal({ capacity: 1 }));
    const [first] = await Promise.all([run(), run()]);
    expect(first).toMatchObject({ outcome: 'error', error: { code: 'TRACER_FAILED' } });
    expect(bridge.stats().tracers.strict?.dropped).toBeGreaterThan(0);
  });

  test('does not wait for what turns out to be kept already, and does not count it', async () => {
    const journal: Journal = {
      ...keptJournal().journal,
      append: async (events) =>
        events.map((event) => ({ event, progress: new Map([['strict', 'settled']]) })),
    };
    const { bridge, order, run } = start(() => true, {}, journal);
    expect(await run('a')).toMatchObject({ outcome: 'complete' });
    expect(order).toEqual(['a']);
    expect(bridge.stats()).toMatchObject({ events: 0, issues: { repeated_event: 4 } });
  });

  test('waits for what is kept already and has still to be heard', async () => {
    const path = temporaryPath();
    const facts = { chain: 'main', vconUuid: 'V', links: ['a'] };
    const startedSpan = { spanId: 'b'.repeat(16), traceId: 'a'.repeat(32), traceFlags: 1 };
    const heard: string[] = [];
    const live = async (answer: () => unknown) => {
      const journal = await sqliteJournal({ path });
      const module = {
        trace: (_uuid: string, event: string) => {
          heard.push(event);
          return answer();
        },
      };
      const tracers = [{ name: 'strict', module, options: { dlq_vcon_on_error: true } }];
      return new TracerSpanProcessor({ tracers, journal, drainTimeout: 50 });
    };
    const span = () => {
      const { chain, vconUuid: inVconUuid, links } = facts;
      const known = { runId: startedSpan.spanId, spanContext: startedSpan, start: 1, inferred: [] };
      const run = new GrowingRun({ ...known, chain, links, inVconUuid });
      return unchangeable(runSpan(chainEvent(run), emptyResource()));
    };
    const before = await live(() => Promise.reject(new Error('away')));
    before.onStart(span(), ROOT_CONTEXT);
    await vi.waitUntil(() => heard.length > 0, PATIENCE);
    await before.shutdown();
    let isBack = false;
    const after = await live(() => (isBack ? true : Promise.reject(new Error('away'))));
    const again = span();
    after.onStart(again, ROOT_CONTEXT);
    let isDelivered = false;
    const delivery = delivered(again)?.then(() => {
      isDelivered = true;
    });
    await vi.waitUntil(() => after.stats().issues.repeated_event === 1, PATIENCE);
    await turns(20);
    expect(isDelivered).toBe(false);
    isBack = true;
    await delivery;
    expect(heard.length).toBeGreaterThan(1);
    await after.shutdown();
  });
});

describe('a chain that the application runs itself', () => {
  const chain = { name: 'main', links: ['a'] };

  test('waits where it asks, and hears what has failed', async () => {
    const { order } = start((call, made) => {
      if (inShort(call) === 'run 0 V→V') throw new DeliveryError('malformed', { permanent: true });
      return made > 2 ? true : fail();
    });
    const chained = traceChain(chain, 'V', async (run) => {
      await run.delivered();
      order.push('a');
      await run.link('a', (uuid) => uuid);
      await run.delivered();
      order.push('never');
    });
    await expect(chained).rejects.toMatchObject({ code: 'TRACER_FAILED' });
    expect(order.slice(0, 4)).toEqual(['chain_start V', 'chain_start V', 'chain_start V', 'run -1 V→V']);
    expect(order.indexOf('a')).toBe(4);
    expect(order).not.toContain('never');
  });

  test('is warned of where it never asks, and not where nobody must hear it', async () => {
    // The line is written once a minute for each chain of the process.
    const chain = { name: 'unasked', links: ['a'] };
    const warned: string[] = [];
    const silent = () => undefined;
    diag.setLogger({
      ...{ error: silent, info: silent, debug: silent, verbose: silent },
      warn: (...words) => void warned.push(words.join(' ')),
    });
    start(() => true);
    await traceChain(chain, 'V', (run) => run.delivered());
    expect(warned).toEqual([]);
    await traceChain(chain, 'V', () => undefined);
    expect(warned).toEqual([
      expect.stringContaining('chain unasked, which did not wait for it: await run.delivered()'),
    ]);
    await sdk?.shutdown();
    sdk = startSdk([new TracerSpanProcessor({ tracers: [{ name: 'lax', module: { trace() {} } }] })]);
    await traceChain(chain, 'V', async (run) => {
      await run.delivered();
    });
    await traceChain(chain, 'V', () => undefined);
    expect(warned).toHaveLength(1);
    diag.disable();
  });
});
