import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type RunChainSettings, runChain } from '../../src/instrumentation/run-chain.ts';
import type { Chain, Link, Storage } from '../../src/model/chain.ts';
import type { ConserverTracer } from '../../src/model/tracer.ts';
import { TracerSpanProcessor } from '../../src/service/tracer-span-processor.ts';
import { type MemoryVconStore, memoryVconStore } from '../../src/vcon-store/index.ts';
import { perRun, recordingTracer } from '../support/recording-tracer.ts';
import { startSdk, type TestSdk } from '../support/sdk.ts';

// The links and storages of CONSERVER §9.
const link = (name: string, run: Link['run']): Link => ({ name, run });
const a = link('a', (uuid) => uuid);
const b = link('b', (uuid) => uuid);
const nu = link('nu', () => 'N');
const halt = link('halt', () => null);
const boom = link('boom', () => {
  throw new Error('Call +15550100 failed');
});
const s1: Storage = { name: 's1', save: () => {} };
const s2: Storage = { name: 's2', save: () => Promise.reject(new Error('on purpose')) };

let vcons: MemoryVconStore;
let settings: RunChainSettings;
let heard: ReturnType<typeof recordingTracer>;
let sdk: TestSdk | undefined;

beforeEach(() => {
  vcons = memoryVconStore();
  settings = { vcons, queue: vcons, ingressList: 'in' };
  heard = recordingTracer();
});
afterEach(() => sdk?.shutdown());

const queueOf = (store: MemoryVconStore) => ({
  push: store.push.bind(store),
  pop: store.pop.bind(store),
  deadLetter: store.deadLetter.bind(store),
});

/** Starts tracing; `strict` are the tracers with `dlq_vcon_on_error`. */
function trace(strict: Record<string, ConserverTracer> = {}, timeout = 1_000): TracerSpanProcessor {
  const bridge = new TracerSpanProcessor({
    drainTimeout: 50,
    tracers: [
      { name: 'heard', module: heard.tracer },
      ...Object.entries(strict).map(([name, module]) => ({
        name,
        module,
        options: { dlq_vcon_on_error: true },
        delivery: { timeout, retry: { maxAttempts: 1 } },
      })),
    ],
  });
  sdk = startSdk([bridge]);
  return bridge;
}

async function heardOf(bridge: TracerSpanProcessor): Promise<string[][]> {
  await bridge.forceFlush();
  return perRun(heard.calls);
}

describe('the scenarios of CONSERVER §9', () => {
  const scenarios: [string, Partial<Chain>, object, string[]][] = [
    [
      '1, happy',
      { links: [a, b], storages: [s1] },
      { outcome: 'complete', vconUuid: 'V', deadLettered: false },
      [
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
      ],
    ],
    [
      '2, a new uuid',
      { links: [a, nu, b], storages: [s1] },
      { outcome: 'complete', vconUuid: 'N', deadLettered: false },
      [
        'chain_start V',
        'run -1 V→V',
        'link_start V a',
        'link_complete V a',
        'run 0 V→V',
        'link_start V nu',
        'link_complete N nu',
        'run 1 V→N',
        'link_start N b',
        'link_complete N b',
        'run 2 N→N',
        'storage_start N s1',
        'storage_complete N s1',
        'chain_complete N',
        'run 3 V→N',
      ],
    ],
    [
      '3, a halt',
      { links: [a, halt, b], storages: [s1], egressLists: ['out'] },
      { outcome: 'halted', vconUuid: 'V', deadLettered: false },
      [
        'chain_start V',
        'run -1 V→V',
        'link_start V a',
        'link_complete V a',
        'run 0 V→V',
        'link_start V halt',
        'link_complete V halt',
        'run 1 V→V',
        'chain_complete V',
        'run 3 V→V',
      ],
    ],
    [
      '4, a link that raises',
      { links: [a, boom, b], storages: [s1], egressLists: ['out'] },
      { outcome: 'error', vconUuid: 'V', deadLettered: true },
      [
        'chain_start V',
        'run -1 V→V',
        'link_start V a',
        'link_complete V a',
        'run 0 V→V',
        'link_start V boom',
        'link_error V boom',
        'chain_error V',
      ],
    ],
    [
      '6, a storage that fails',
      { links: [a], storages: [s2] },
      { outcome: 'complete', vconUuid: 'V', deadLettered: false },
      [
        'chain_start V',
        'run -1 V→V',
        'link_start V a',
        'link_complete V a',
        'run 0 V→V',
        'storage_start V s2',
        'storage_error V s2',
        'chain_complete V',
        'run 1 V→V',
      ],
    ],
    [
      '12, no links',
      { links: [], storages: [s1] },
      { outcome: 'complete', vconUuid: 'V', deadLettered: false },
      ['chain_start V', 'storage_start V s1', 'storage_complete V s1', 'chain_complete V', 'run 0 V→V'],
    ],
  ];

  test.each(scenarios)('%s', async (_, chain, result, calls) => {
    const bridge = trace();
    expect(await runChain({ name: 'main', links: [], ...chain }, { uuid: 'V' }, settings)).toMatchObject(
      result,
    );
    expect(await heardOf(bridge)).toEqual([calls]);
    expect(JSON.stringify(heard.calls)).not.toContain('15550100');
  });

  test('5, a failure and then a success: two runs, two traces, nothing mixed', async () => {
    const bridge = trace();
    await runChain({ name: 'main', links: [boom] }, { uuid: 'V' }, settings);
    await runChain({ name: 'main', links: [a] }, { uuid: 'W' }, settings);
    expect((await heardOf(bridge)).map((run) => run.at(-1))).toEqual(['chain_error V', 'run 1 W→W']);
    const roots = sdk?.spans().filter(({ name }) => name.startsWith('vcon_processing')) ?? [];
    expect(roots.map(({ parentSpanContext }) => parentSpanContext)).toEqual([undefined, undefined]);
    expect(new Set(roots.map((root) => root.spanContext().traceId)).size).toBe(2);
    expect(bridge.stats().issues).toEqual({});
  });

  test('7, storages run in parallel, each a child of the chain', async () => {
    trace();
    const started: string[] = [];
    let release = () => {};
    const all = new Promise<void>((resolve) => {
      release = resolve;
    });
    const waiting = (name: string): Storage => ({
      name,
      save: () => {
        started.push(name);
        if (started.length === 3) release();
        return all;
      },
    });
    await runChain(
      { name: 'main', links: [], storages: ['x', 'y', 'z'].map(waiting) },
      { uuid: 'V' },
      settings,
    );
    const [root] = sdk?.spans().filter(({ name }) => name.startsWith('vcon_processing')) ?? [];
    const storages = sdk?.spans().filter(({ name }) => name.startsWith('storage.')) ?? [];
    expect(storages.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual(
      Array(3).fill(root?.spanContext().spanId),
    );
  });

  test('8, a chain hands over to the next: two traces, tied by a span link', async () => {
    trace();
    await runChain({ name: 'main', links: [a], egressLists: ['mid'] }, { uuid: 'V' }, settings);
    const queued = await vcons.pop('mid');
    if (!queued) throw new Error('nothing was queued');
    await runChain({ name: 'second', links: [b] }, queued, { ...settings, ingressList: 'mid' });
    const [main, second] = ['main', 'second'].map((name) =>
      sdk?.spans().find((span) => span.name === `vcon_processing.${name}`),
    );
    expect(second?.links.map((to) => to.context.spanId)).toEqual([main?.spanContext().spanId]);
    expect(second?.spanContext().traceId).not.toBe(main?.spanContext().traceId);
  });

  test('10, the same vCon in two chains at once, and one link twice in a chain', async () => {
    const bridge = trace();
    await Promise.all([
      runChain({ name: 'one', links: [a, a] }, { uuid: 'V' }, settings),
      runChain({ name: 'two', links: [b] }, { uuid: 'V' }, settings),
    ]);
    const runs = await heardOf(bridge);
    expect(runs.map((run) => run.length)).toEqual([10, 7]);
    expect(bridge.stats().issues).toEqual({});
  });
});

describe('a tracer with dlq_vcon_on_error (scenario 9)', () => {
  const failsAt = (index: number): ConserverTracer => ({
    run: (_in, _out, _name, _links, at) => (at === index ? Promise.reject(new Error('on purpose')) : true),
  });

  test('fails at 0: link a is complete for the others, b does not run, the vCon is a dead letter', async () => {
    const bridge = trace({ strict: failsAt(0) });
    const result = await runChain({ name: 'main', links: [a, b] }, { uuid: 'V' }, settings);
    expect(result).toMatchObject({ outcome: 'error', deadLettered: true, error: { code: 'TRACER_FAILED' } });
    expect(vcons.length('DLQ:in')).toBe(1);
    expect(await heardOf(bridge)).toEqual([
      ['chain_start V', 'run -1 V→V', 'link_start V a', 'link_complete V a', 'run 0 V→V', 'chain_error V'],
    ]);
  });

  test('fails at -1: no link runs', async () => {
    const bridge = trace({ strict: failsAt(-1) });
    await runChain({ name: 'main', links: [a] }, { uuid: 'V' }, settings);
    expect(await heardOf(bridge)).toEqual([['chain_start V', 'run -1 V→V', 'chain_error V']]);
    expect(vcons.length('DLQ:in')).toBe(1);
  });

  test('fails at the end: the run was complete, the vCon is a dead letter all the same', async () => {
    trace({ strict: failsAt(1) });
    const result = await runChain({ name: 'main', links: [a] }, { uuid: 'V' }, settings);
    expect(result).toMatchObject({ outcome: 'error', deadLettered: true });
  });

  test('hangs: its time runs out and the chain fails', async () => {
    trace({ strict: { trace: () => new Promise(() => {}) } }, 10);
    const result = await runChain({ name: 'main', links: [a] }, { uuid: 'V' }, settings);
    expect(result).toMatchObject({ outcome: 'error', deadLettered: true, error: { code: 'TRACER_FAILED' } });
  });

  test('is waited for: the next link starts after it has heard the one before', async () => {
    const order: string[] = [];
    trace({
      strict: {
        run: async (_in, _out, _name, _links, index) => {
          await new Promise((resolve) => setImmediate(resolve));
          order.push(`heard ${index}`);
        },
      },
    });
    const noting = (name: string) =>
      link(name, (uuid) => {
        order.push(name);
        return uuid;
      });
    await runChain({ name: 'main', links: [noting('a'), noting('b')] }, { uuid: 'V' }, settings);
    expect(order).toEqual(['heard -1', 'a', 'heard 0', 'b', 'heard 1', 'heard 2']);
  });

  test('that returns false does not stop the chain', async () => {
    trace({ strict: { run: () => false } });
    expect(await runChain({ name: 'main', links: [a] }, { uuid: 'V' }, settings)).toMatchObject({
      outcome: 'complete',
      deadLettered: false,
    });
  });

  test('is not waited for by a chain that it does not hear', async () => {
    const bridge = new TracerSpanProcessor({
      tracers: [
        {
          name: 'strict',
          module: { trace: () => new Promise(() => {}) },
          options: { dlq_vcon_on_error: true },
        },
      ],
      chains: { main: { tracers: [] } },
      drainTimeout: 10,
    });
    sdk = startSdk([bridge]);
    expect(await runChain({ name: 'main', links: [a] }, { uuid: 'V' }, settings)).toMatchObject({
      outcome: 'complete',
    });
  });

  test('that is shut down while the chain waits for it, or while a link runs, lets the chain fail', async () => {
    const stuck = trace({ strict: { trace: () => new Promise(() => {}) } }, 60_000);
    const waiting = runChain({ name: 'main', links: [a] }, { uuid: 'V' }, settings);
    void stuck.shutdown();
    expect(await waiting).toMatchObject({
      outcome: 'error',
      deadLettered: true,
      error: { code: 'TRACER_FAILED' },
    });
    await sdk?.shutdown();

    const quick = trace({ strict: { trace: () => {} } });
    const shuttingDown = link('shuttingDown', async (uuid) => {
      await quick.shutdown();
      return uuid;
    });
    const cut = await runChain({ name: 'main', links: [shuttingDown, b] }, { uuid: 'W' }, settings);
    expect(cut).toMatchObject({ outcome: 'error', deadLettered: true, error: { code: 'TRACER_FAILED' } });
  });

  test('that has been shut down does not fail a chain that it would not have heard', async () => {
    const strict = { name: 'strict', module: { trace: () => {} }, options: { dlq_vcon_on_error: true } };
    const bridge = new TracerSpanProcessor({ tracers: [strict], chains: { main: { tracers: [] } } });
    sdk = startSdk([bridge]);
    await bridge.shutdown();
    expect(await runChain({ name: 'main', links: [a] }, { uuid: 'V' }, settings)).toMatchObject({
      outcome: 'complete',
    });
  });

  test('that has been shut down lets no chain pass', async () => {
    const bridge = trace({ strict: { trace: () => {} } });
    await bridge.shutdown();
    expect(await runChain({ name: 'main', links: [a] }, { uuid: 'V' }, settings)).toMatchObject({
      outcome: 'error',
      error: { code: 'TRACER_FAILED' },
    });
  });
});

describe('any other tracer', () => {
  test('never holds a chain up', async () => {
    const bridge = new TracerSpanProcessor({
      tracers: [{ name: 'stuck', module: { trace: () => new Promise(() => {}) } }],
      drainTimeout: 10,
    });
    sdk = startSdk([bridge]);
    expect(await runChain({ name: 'main', links: [a, b] }, { uuid: 'V' }, settings)).toMatchObject({
      outcome: 'complete',
    });
  });
});

describe('what goes wrong around a chain', () => {
  test('a link that never settles fails when its time is up, and is told to stop', async () => {
    trace();
    let told: AbortSignal | undefined;
    const stuck = link('stuck', (_uuid, { signal }) => {
      told = signal;
      return new Promise(() => {});
    });
    const result = await runChain(
      { name: 'main', links: [stuck] },
      { uuid: 'V' },
      { ...settings, timeout: 5 },
    );
    expect(result).toMatchObject({ outcome: 'error', deadLettered: true, error: { code: 'TIMEOUT' } });
    expect(told?.aborted).toBe(true);
  });

  test('a storage that never settles fails when its time is up, and the chain is complete', async () => {
    trace();
    const stuck: Storage = { name: 'stuck', save: () => new Promise(() => {}) };
    const result = await runChain(
      { name: 'main', links: [a], storages: [stuck, s1] },
      { uuid: 'V' },
      { ...settings, timeout: 5 },
    );
    expect(result.outcome).toBe('complete');
    expect(sdk?.spans().find(({ name }) => name === 'storage.stuck')?.attributes['error.type']).toBe(
      'TIMEOUT',
    );
  });

  test('without an ingress list there are no dead letters', async () => {
    trace();
    const { ingressList: _, ...noList } = settings;
    expect(await runChain({ name: 'main', links: [boom] }, { uuid: 'V' }, noList)).toMatchObject({
      outcome: 'error',
      deadLettered: false,
    });
  });

  test('an egress list that cannot be written is an error of the chain', async () => {
    trace();
    const queue = { ...queueOf(vcons), push: () => Promise.reject(new Error('on purpose')) };
    const chain = { name: 'main', links: [a], egressLists: ['out'] };
    expect(await runChain(chain, { uuid: 'V' }, { ...settings, queue })).toMatchObject({
      outcome: 'error',
      deadLettered: true,
    });
  });

  test('a queue that never answers is an error when its time is up', async () => {
    trace();
    const queue = { ...queueOf(vcons), push: () => new Promise<void>(() => {}) };
    const chain = { name: 'main', links: [a], egressLists: ['out'] };
    expect(await runChain(chain, { uuid: 'V' }, { ...settings, queue, timeout: 5 })).toMatchObject({
      outcome: 'error',
      deadLettered: true,
      error: { code: 'TIMEOUT' },
    });
  });

  test('a dead letter that cannot be written is the one thing that is thrown', async () => {
    trace();
    const queue = { ...queueOf(vcons), deadLetter: () => Promise.reject(new Error('on purpose')) };
    await expect(
      runChain({ name: 'main', links: [boom] }, { uuid: 'V' }, { ...settings, queue }),
    ).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    });
  });
});
