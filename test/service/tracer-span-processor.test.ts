import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Attributes,
  context,
  diag,
  ROOT_CONTEXT,
  type Span,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import { afterEach, describe, expect, test } from 'vitest';
import { runChain } from '../../src/instrumentation/run-chain.ts';
import { traceChain } from '../../src/instrumentation/trace-chain.ts';
import type { ConserverTracer } from '../../src/model/tracer.ts';
import type { VconStore } from '../../src/model/vcon.ts';
import { TracerSpanProcessor } from '../../src/service/tracer-span-processor.ts';
import type { TracerSpanProcessorSettings } from '../../src/service/tracer-span-processor-settings.ts';
import { compliance } from '../../src/tracers/index.ts';
import { memoryVconStore } from '../../src/vcon-store/index.ts';
import { temporaryFolder } from '../cli/command-line.ts';
import { turns } from '../support/random-chain.ts';
import { inShort, perRun, recordingTracer } from '../support/recording-tracer.ts';
import { startSdk, type TestSdk } from '../support/sdk.ts';

let sdk: TestSdk | undefined;
afterEach(() => sdk?.shutdown());

function start(settings: Partial<TracerSpanProcessorSettings> = {}) {
  const heard = recordingTracer();
  const bridge = new TracerSpanProcessor({ tracers: [{ name: 'heard', module: heard.tracer }], ...settings });
  sdk = startSdk([bridge]);
  return { bridge, ...heard };
}

/** A span as somebody else records it: the conserver's own attributes and nothing of ours. */
function foreign(name: string, attributes: Attributes, parent?: Span): Span {
  return trace
    .getTracer('__main__')
    .startSpan(name, { attributes }, parent ? trace.setSpan(ROOT_CONTEXT, parent) : ROOT_CONTEXT);
}

const chainSpan = (vconId: unknown = 'V', parent?: Span) =>
  foreign(
    'vcon_processing.main',
    { vcon_id: vconId as string, 'vcon.uuid': 'V', chain_name: 'main' },
    parent,
  );
const linkSpan = (chain: Span, name: string, index: number, vconId: unknown = 'V') =>
  foreign(
    `link.${name}`,
    { vcon_id: vconId as string, link_name: name, link_index: index, chain_name: 'main' },
    chain,
  );

describe('spans that others recorded', () => {
  test('the conserver attributes alone are enough; what they do not say is flagged', async () => {
    const { bridge, calls } = start();
    const chain = chainSpan();
    const a = linkSpan(chain, 'a', 0);
    a.end();
    const b = linkSpan(chain, 'b', 1, 'N');
    b.setStatus({ code: SpanStatusCode.OK });
    b.end();
    const s1 = foreign('storage.s1', { vcon_id: 'N', storage_name: 's1', chain_name: 'main' }, chain);
    s1.end();
    chain.end();
    await bridge.forceFlush();
    expect(calls.map(inShort)).toEqual([
      'chain_start V',
      'run -1 V→V',
      'link_start V a',
      'link_complete V a',
      'run 0 V→V',
      'link_start N b',
      'link_complete N b',
      'run 1 N→N',
      'storage_start N s1',
      'storage_complete N s1',
      'chain_complete N',
      'run 2 V→N',
    ]);
    expect(calls[0]?.context.inferred).toEqual(['links']);
    expect(calls.at(-1)?.context.links).toEqual(['a', 'b']);
  });

  test('the configuration knows the links of a chain whose span does not carry them', async () => {
    const { bridge, calls } = start({ chains: { main: { links: ['a', 'b', 'c'] } } });
    chainSpan().end();
    await bridge.forceFlush();
    expect(calls.map(inShort)).toEqual(['chain_start V', 'run -1 V→V', 'chain_complete V', 'run 3 V→V']);
    expect(calls[0]?.context.inferred).toEqual([]);
  });

  test('attributes that come after the start of a link are read at its end', async () => {
    const { bridge, calls } = start({ chains: { main: { links: ['a'] } } });
    const chain = chainSpan();
    const late = foreign('link.a', {}, chain);
    late.setAttributes({ vcon_id: 'V', link_name: 'a', link_index: 0, chain_name: 'main' });
    late.end();
    chain.end();
    await bridge.forceFlush();
    expect(calls.map(inShort).slice(2, 5)).toEqual(['link_start V a', 'link_complete V a', 'run 0 V→V']);
  });

  test('a vcon_id that is no string, after a link that answered True, is counted and the last known one stands in', async () => {
    const { bridge, calls } = start({ chains: { main: { links: ['a', 'b'] } } });
    const chain = chainSpan();
    linkSpan(chain, 'b', 1, true).end();
    chain.end();
    await bridge.forceFlush();
    expect(calls.map(inShort)[2]).toBe('link_start V b');
    expect(calls[2]?.context.inferred).toEqual(['vcon_uuid']);
    expect(bridge.stats().issues).toEqual({ rejected_span: 1 });
  });

  test('a chain span without a vCon is counted and not heard', async () => {
    const { bridge, calls } = start();
    const chain = chainSpan(true);
    linkSpan(chain, 'a', 0).end();
    chain.end();
    await bridge.forceFlush();
    expect(calls).toEqual([]);
    expect(bridge.stats().issues).toEqual({ rejected_span: 1, orphan_span: 1 });
  });

  test('a chain span inside another chain span is a run of its own, counted as a leaked context', async () => {
    const { bridge, calls } = start({ chains: { main: { links: [] } } });
    const failed = chainSpan();
    chainSpan('W', failed).end();
    await bridge.forceFlush();
    expect(calls.map(inShort)).toEqual(['chain_start V', 'chain_start W', 'chain_complete W', 'run 0 W→W']);
    expect(bridge.stats().issues).toEqual({ leaked_context: 1 });
  });

  test('everything that is not of the conserver passes by untouched and is no issue', async () => {
    const { bridge, calls } = start();
    for (const [name, attributes] of [
      ['GET /link.', {}],
      ['link.a', {}],
      ['link.', { vcon_id: 'V', chain_name: 'main' }],
      ['linkage.a', { vcon_id: 'V', chain_name: 'main' }],
      ['vcon_processing.main', { chain_name: 'main' }],
      ['storage.s1', { vcon_id: 'V' }],
      ['BLPOP', { vcon_id: 'V', chain_name: 'main' }],
    ] as [string, Attributes][])
      foreign(name, attributes).end();
    await bridge.forceFlush();
    expect(calls).toEqual([]);
    expect(bridge.stats()).toMatchObject({ events: 0, openRuns: 0, issues: {} });
  });

  test('links without an index are counted through', async () => {
    const { bridge, calls } = start({ chains: { main: { links: ['a', 'b'] } } });
    const chain = chainSpan();
    for (const name of ['a', 'b']) foreign(`link.${name}`, { vcon_id: 'V', chain_name: 'main' }, chain).end();
    await bridge.forceFlush();
    expect(calls.filter(({ call }) => call === 'run').map(inShort)).toEqual([
      'run -1 V→V',
      'run 0 V→V',
      'run 1 V→V',
    ]);
    expect(calls.at(-1)?.context.inferred).toEqual(['link_index']);
  });

  test('what an error says is only ever a class name or a code', async () => {
    const { bridge, calls } = start({ chains: { main: { links: ['a'] } } });
    const chain = chainSpan();
    const a = linkSpan(chain, 'a', 0);
    a.addEvent('exception', {
      'exception.type': 'call +15550100 now',
      'exception.message': 'call +15550100',
    });
    a.setStatus({ code: SpanStatusCode.ERROR, message: 'call +15550100' });
    a.end();
    chain.end();
    await bridge.forceFlush();
    expect(calls.map(({ context: { errorType } }) => errorType).filter(Boolean)).toEqual([
      '_OTHER',
      '_OTHER',
    ]);
    expect(JSON.stringify(calls)).not.toContain('15550100');
  });

  test('a step of another chain under this run is an orphan at its start and at its end', async () => {
    const { bridge, calls } = start({ chains: { main: { links: [] } } });
    const chain = chainSpan();
    foreign('link.z', { vcon_id: 'W', link_name: 'z', link_index: 0, chain_name: 'other' }, chain).end();
    chain.end();
    await bridge.forceFlush();
    expect(calls.map(inShort)).toEqual(['chain_start V', 'chain_complete V', 'run 0 V→V']);
    expect(bridge.stats().issues).toEqual({ orphan_span: 1 });
  });

  test('a chain whose span says that its end is not known is lost', async () => {
    const { bridge, calls } = start({ chains: { main: { links: ['a'] } } });
    chainSpan().setAttribute('vcon.chain.outcome', 'unknown').end();
    await bridge.forceFlush();
    expect(calls.map(inShort)).toEqual(['chain_start V', 'run -1 V→V', 'chain_lost V']);
    expect(calls.at(-1)?.context.outcome).toBe('unknown');
  });

  test('a step that has not ended when its chain ends is counted', async () => {
    const { bridge } = start({ chains: { main: { links: ['a'] } } });
    const chain = chainSpan();
    const late = linkSpan(chain, 'a', 0);
    chain.end();
    late.end();
    expect(bridge.stats().issues).toEqual({ unfinished_step: 1 });
  });

  test('a storage that is written twice in a run is two storages', async () => {
    const { bridge, calls } = start({ chains: { main: { links: [] } } });
    const chain = chainSpan();
    for (let i = 0; i < 2; i += 1)
      foreign('storage.s1', { vcon_id: 'V', storage_name: 's1', chain_name: 'main' }, chain).end();
    await bridge.forceFlush();
    expect(calls.slice(1).map(({ context: { eventId } }) => eventId.split('/').slice(1).join('/'))).toEqual([
      'storage/s1/start',
      'storage/s1/complete',
      'storage/s1~2/start',
      'storage/s1~2/complete',
    ]);
  });
});

test('law 2: one scripted chain through every entrance gives one and the same list of calls', async () => {
  const { bridge, calls } = start({ chains: { main: { links: ['a', 'nu'] } } });
  const uuidOf = (name: string, uuid: string) => (name === 'nu' ? 'N' : uuid);
  await traceChain({ name: 'main', links: ['a', 'nu'] }, 'V', async (run) => {
    for (const name of ['a', 'nu']) await run.link(name, (uuid) => uuidOf(name, uuid));
    await run.storage({ name: 's1' }, () => {});
  });
  const vcons = memoryVconStore();
  await runChain(
    {
      name: 'main',
      links: ['a', 'nu'].map((name) => ({ name, run: (uuid) => uuidOf(name, uuid) })),
      storages: [{ name: 's1', save: () => {} }],
    },
    { uuid: 'V' },
    { vcons, queue: vcons },
  );
  const chain = chainSpan();
  linkSpan(chain, 'a', 0).end();
  const nu = linkSpan(chain, 'nu', 1);
  nu.setAttribute('vcon.out_uuid', 'N');
  nu.end();
  foreign('storage.s1', { vcon_id: 'N', storage_name: 's1', chain_name: 'main' }, chain).end();
  chain.end();
  await bridge.forceFlush();
  const [first, ...others] = perRun(calls);
  expect(first?.length).toBe(12);
  expect(others).toEqual([first, first]);
});

describe('which tracers hear a chain', () => {
  test('those of the chain if it names any, none if its list is empty, all if it has no list', async () => {
    const tracers = ['x', 'y'].map((name) => ({ name, ...recordingTracer() }));
    const bridge = new TracerSpanProcessor({
      tracers: tracers.map(({ name, tracer }) => ({ name, module: tracer })),
      chains: { all: {}, none: { tracers: [] }, y: { tracers: ['y'] } },
    });
    sdk = startSdk([bridge]);
    for (const name of ['all', 'none', 'y', 'constructor'])
      await traceChain({ name, links: [] }, name, () => {});
    await bridge.forceFlush();
    const starts = tracers.map(({ calls }) =>
      calls.map(inShort).filter((call) => call.startsWith('chain_start')),
    );
    expect(starts).toEqual([
      ['chain_start all', 'chain_start constructor'],
      ['chain_start all', 'chain_start y', 'chain_start constructor'],
    ]);
    expect(bridge.stats().issues).toEqual({ unknown_chain: 1 });
  });

  test('not one that is not enabled, which is not even made', async () => {
    const other = recordingTracer();
    const off = { name: 'off', module: { create: () => expect.fail('it was made') } };
    const { bridge, calls } = start({
      tracers: [
        { ...off, enabled: false },
        { ...off, name: 'by option', module: 'tracers.no_such', options: { enabled: false } },
        { name: 'other', module: other.tracer },
      ],
      chains: { main: { tracers: ['off', 'other'] } },
    });
    await traceChain({ name: 'main', links: [] }, 'V', () => undefined);
    await bridge.forceFlush();
    expect(other.calls.map(inShort)).toEqual(['chain_start V', 'chain_complete V', 'run 0 V→V']);
    expect(calls).toEqual([]);
    expect(Object.keys(bridge.stats().tracers)).toEqual(['other']);
  });

  test('a tracer that wants none has no completion call', async () => {
    const heard = recordingTracer();
    const { bridge } = start({
      tracers: [{ name: 'heard', module: { completion: false, create: () => heard.tracer } }],
    });
    await traceChain({ name: 'main', links: ['a'] }, 'V', (run) => run.link('a', (uuid) => uuid));
    await bridge.forceFlush();
    expect(heard.calls.map(inShort).at(-1)).toBe('chain_complete V');
  });
});

describe('calls', () => {
  test('are made with the documented arguments', async () => {
    const seen: unknown[][] = [];
    const note = (...args: unknown[]) => {
      seen.push(args);
      return true;
    };
    const { bridge } = start({
      tracers: [
        {
          name: 'mine',
          module: { default_options: { a: 1, b: 2 }, trace: note, run: note },
          options: { b: 3, dlq_vcon_on_error: true },
        },
      ],
    });
    await traceChain({ name: 'main', links: ['l'] }, 'V', (run) => run.link('l', () => 'N'));
    await bridge.forceFlush();
    const options = { a: 1, b: 3, dlq_vcon_on_error: true };
    expect(seen[0]?.slice(0, 3)).toEqual(['V', 'chain_start', options]);
    expect(seen[4]?.slice(0, 6)).toEqual(['V', 'N', 'mine', ['l'], 0, options]);
    expect(seen.every((args) => Object.isFrozen(args.at(-1)))).toBe(true);
  });

  test('are made outside the trace they speak of, and no spans of their own come of them', async () => {
    const current: unknown[] = [];
    const tracer: ConserverTracer = {
      trace: async () => {
        await turns(1);
        current.push([trace.getSpan(context.active()), isTracingSuppressed(context.active())]);
        trace.getTracer('tracer').startSpan('POST').end();
      },
    };
    const { bridge } = start({ tracers: [{ name: 'mine', module: tracer }] });
    await traceChain({ name: 'main', links: [] }, 'V', () => {});
    await bridge.forceFlush();
    expect(current).toEqual([
      [undefined, true],
      [undefined, true],
    ]);
    expect(sdk?.spans().map(({ name }) => name)).toEqual(['vcon_processing.main']);
  });

  test('are never made on the stack of the application', async () => {
    const { calls } = start();
    const span = chainSpan();
    span.end();
    expect(calls).toEqual([]);
  });
});

describe('forceFlush', () => {
  test('waits for what happened before it, not for what happens meanwhile', async () => {
    const release = new Map<string, () => void>();
    const { bridge } = start({
      // Longer than the test may take: a flush that waits for its deadline fails it.
      drainTimeout: 60_000,
      tracers: [
        {
          name: 'slow',
          module: { trace: (uuid) => new Promise<void>((resolve) => release.set(uuid, resolve)) },
        },
      ],
    });
    const before = chainSpan('before');
    const flushed = bridge.forceFlush();
    await turns(2);
    chainSpan('after');
    await turns(2);
    release.get('before')?.();
    await flushed;
    expect(bridge.stats().tracers.slow).toMatchObject({ ok: 1, pending: 1 });
    release.get('after')?.();
    before.end();
    await turns(2);
    release.get('before')?.();
  });
});

describe('shutdown', () => {
  test('lets tracers hear what is left, then ends them, once', async () => {
    let ended = 0;
    const heard = recordingTracer(() => turns(3));
    const { bridge } = start({
      tracers: [
        {
          name: 'heard',
          module: {
            ...heard.tracer,
            shutdown: async () => {
              ended += 1;
            },
          },
        },
      ],
    });
    await traceChain({ name: 'main', links: [] }, 'V', () => {});
    await Promise.all([bridge.shutdown(), bridge.shutdown()]);
    expect(heard.calls.map(inShort)).toEqual(['chain_start V', 'chain_complete V', 'run 0 V→V']);
    expect(ended).toBe(1);
  });

  test('spans that come later are ignored and counted', async () => {
    const { bridge, calls } = start();
    const open = chainSpan();
    await bridge.shutdown();
    const before = calls.length;
    open.end();
    linkSpan(open, 'a', 0).end();
    await turns(2);
    expect(calls.length).toBe(before);
    expect(bridge.stats().issues.after_shutdown).toBeGreaterThan(0);
  });

  test('what a stuck tracer did not hear is counted as dropped, and it is called no more', async () => {
    let made = 0;
    const { bridge } = start({
      tracers: [
        {
          name: 'stuck',
          module: {
            trace: () => {
              made += 1;
              return new Promise(() => {});
            },
          },
          delivery: { timeout: 20 },
        },
      ],
      drainTimeout: 10,
    });
    await traceChain({ name: 'main', links: [] }, 'V', () => {});
    await bridge.shutdown();
    expect(bridge.stats().tracers.stuck).toMatchObject({ ok: 0, dropped: 2, pending: 0 });
    await bridge.forceFlush();
    await turns(3);
    expect(made).toBe(1);
    expect(bridge.stats().tracers.stuck).toMatchObject({ ok: 0, dropped: 2 });
  });

  test('before any span is safe', async () => {
    const { bridge } = start();
    await bridge.shutdown();
    await bridge.forceFlush();
  });
});

test('a tracer whose functions cannot even be read has failed', async () => {
  const module = Object.defineProperties({} as ConserverTracer, {
    trace: { get: () => readable() },
    run: { get: () => readable() },
  });
  let readable = (): (() => void) => () => {};
  const { bridge } = start({ tracers: [{ name: 'odd', module, delivery: { retry: { maxAttempts: 1 } } }] });
  readable = () => {
    throw new Error('on purpose');
  };
  await traceChain({ name: 'main', links: [] }, 'V', () => {});
  await bridge.forceFlush();
  expect(bridge.stats().tracers.odd).toMatchObject({ ok: 0, dead: 2 });
});

test.each([
  { drainTimeout: Number.POSITIVE_INFINITY },
  { drainTimeout: Number.NaN },
  { drainTimeout: -1 },
  { maxOpenRuns: 0 },
  { chains: { main: { tracers: ['nobody'] } } },
])('settings that make no sense are refused: %o', (settings) => {
  expect(() => new TracerSpanProcessor({ tracers: [], ...settings })).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID' }),
  );
});

describe('a tracer that comes with the package', () => {
  test('is made by its name, with its options checked, and hears the chain', async () => {
    const folder = await temporaryFolder();
    const log_file = join(folder.path, 'audit.jsonl');
    const { bridge } = start({
      tracers: [{ name: 'audit', module: 'tracers.audit_log', options: { log_file } }],
    });
    await traceChain({ name: 'main', links: [] }, 'V', () => undefined);
    await bridge.shutdown();
    const lines = (await readFile(log_file, 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { event: 'chain_start', vcon_uuid: 'V' },
      { event: 'chain_complete', vcon_uuid: 'V' },
    ]);
    await folder.remove();
  });

  test('is the same as the one that is imported, and what keeps it from being made is thrown', async () => {
    const folder = await temporaryFolder();
    const options = { directory: folder.path };
    const bridge = new TracerSpanProcessor({
      tracers: [{ name: 'audit', module: 'tracers.compliance', options }],
    });
    const again = () =>
      new TracerSpanProcessor({ tracers: [{ name: 'audit', module: compliance, options }] });
    expect(again).toThrow(expect.objectContaining({ code: 'LEDGER_IN_USE', path: 'tracers.audit.options' }));
    await bridge.shutdown();
    await again().shutdown();
    await folder.remove();
  });

  test('that looks up documents is warned of where there are none', async () => {
    const folder = await temporaryFolder();
    const warned: string[] = [];
    const silent = () => undefined;
    diag.setLogger({
      ...{ error: silent, info: silent, debug: silent, verbose: silent },
      warn: (...words) => void warned.push(words.join(' ')),
    });
    const make = async (options: object, vcons?: VconStore) => {
      const audit = { name: 'audit', module: compliance, options: { directory: folder.path, ...options } };
      await new TracerSpanProcessor({ tracers: [audit], ...(vcons && { vcons }) }).shutdown();
    };
    await make({}, memoryVconStore());
    await make({ include_content_hash: false });
    expect(warned).toEqual([]);
    await make({});
    expect(warned).toEqual([expect.stringContaining('tracer audit looks up vCons, and there are none')]);
    diag.disable();
    await folder.remove();
  });

  test.each([
    ['tracers.no_such', {}, 'MODULE_NOT_FOUND', 'tracers.audit.module'],
    ['./my-tracer.ts', {}, 'MODULE_NOT_FOUND', 'tracers.audit.module'],
    [
      'tracers.audit_log',
      { no_such: 1 },
      'OPTIONS_INVALID',
      expect.stringContaining('tracers.audit.options'),
    ],
  ])('%s with %j is refused by the constructor', (module, options, code, path) => {
    expect(() => new TracerSpanProcessor({ tracers: [{ name: 'audit', module, options }] })).toThrow(
      expect.objectContaining({ code, path }),
    );
  });
});

test('two tracers of one name are refused', () => {
  const { tracer: module } = recordingTracer();
  expect(
    () =>
      new TracerSpanProcessor({
        tracers: [
          { name: 'a', module },
          { name: 'a', module },
        ],
      }),
  ).toThrow('two tracers are called a');
});
