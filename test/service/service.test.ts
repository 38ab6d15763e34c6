import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  context,
  createContextKey,
  logs,
  metrics,
  propagation,
  ROOT_CONTEXT,
  trace,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type ConfigInput, parseConfig } from '../../src/config/load-config.ts';
import {
  type Chain,
  DeliveryError,
  runChain,
  startTracing,
  TracerSpanProcessor,
  type Tracing,
  traceChain,
  type VconOtelError,
} from '../../src/index.ts';
import { METRIC } from '../../src/model/semconv.ts';
import type { TracerModule } from '../../src/model/tracer.ts';
import { startService } from '../../src/service/service.ts';
import { memoryVconStore } from '../../src/vcon-store/index.ts';
import { EXPECTED_NAMES } from '../exporters/expected-names.ts';
import { turns } from '../support/random-chain.ts';
import { inShort, perRun, recordingTracer } from '../support/recording-tracer.ts';
import { startCollector } from './collector.ts';

const UUID = '018f0000-0000-8000-8000-00000000e2e0';

let collector: Awaited<ReturnType<typeof startCollector>>;
/** What a test has started; ended after it, however it went. */
let running: Tracing[];

beforeEach(async () => {
  for (const name of Object.keys(process.env)) if (name.startsWith('OTEL_')) vi.stubEnv(name, undefined);
  collector = await startCollector();
  running = [];
});

afterEach(async () => {
  await Promise.all(running.map((tracing) => tracing.shutdown()));
  await collector.close();
  vi.unstubAllEnvs();
});

async function start(config: ConfigInput, env: Readonly<Record<string, string>> = {}): Promise<Tracing> {
  const tracing = await startService(parseConfig({ log_level: 'error', ...config }, env));
  running.push(tracing);
  return tracing;
}

/** Two good links and two storages, one of which fails. */
const CHAIN: Chain = {
  name: 'main',
  links: [
    { name: 'tag', run: (uuid) => uuid },
    {
      name: 'lookup',
      run: async (uuid) => {
        trace.getTracer('app').startSpan('GET').end();
        return uuid;
      },
    },
  ],
  storages: [
    { name: 'files', save: () => {} },
    {
      name: 'database',
      save: () => {
        throw new RangeError('on purpose');
      },
    },
  ],
};

async function pass(chain = CHAIN): Promise<void> {
  const vcons = memoryVconStore();
  await runChain(chain, { uuid: UUID }, { vcons, queue: vcons, ingressList: 'inbox' });
}

const CALLS = [
  `chain_start ${UUID}`,
  `run -1 ${UUID}→${UUID}`,
  `link_start ${UUID} tag`,
  `link_complete ${UUID} tag`,
  `run 0 ${UUID}→${UUID}`,
  `link_start ${UUID} lookup`,
  `link_complete ${UUID} lookup`,
  `run 1 ${UUID}→${UUID}`,
  `storage_start ${UUID} files`,
  `storage_start ${UUID} database`,
  `storage_error ${UUID} database`,
  `storage_complete ${UUID} files`,
  `chain_complete ${UUID}`,
  `run 2 ${UUID}→${UUID}`,
];
const EVENTS = 10;

function slowTracer() {
  return recordingTracer(() => turns(20));
}

describe('a chain that runs', () => {
  test('has its document read once for all tracers that ask for it at one event', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'vcon-otel-reads-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const vcons = memoryVconStore();
    await vcons.write(UUID, JSON.stringify({ uuid: UUID, parties: [{}], dialog: [] }));
    const reads: string[] = [];
    const read = (uuid: string) => {
      reads.push(uuid);
      return vcons.read(uuid);
    };
    const options = { include_vcon_data: true };
    const log = (name: string) => ({
      module: 'tracers.audit_log',
      options: { ...options, log_file: join(folder, name) },
    });
    const tracers = {
      one: log('one'),
      other: log('other'),
      ledger: { module: 'tracers.compliance', options: { directory: join(folder, 'ledger') } },
    };
    const tracing = await startService(parseConfig({ log_level: 'error', tracers }, {}), {
      vcons: { ...vcons, read },
    });
    await traceChain({ name: 'main', links: ['tag'] }, UUID, (run) => run.link('tag', (uuid) => uuid));
    await tracing.shutdown();
    // The chain's start, the link's start and end, and the chain's end.
    expect(reads).toEqual([UUID, UUID, UUID, UUID]);
  });

  test('is not heard by a tracer that is not enabled, which is not even looked for', async () => {
    const one = recordingTracer();
    const tracing = await start({
      tracers: { off: { module: './not-there.mjs', enabled: false }, one: { module: one.tracer } },
      chains: { main: { links: ['tag', 'lookup'], tracers: ['off', 'one'] } },
    });
    await pass();
    await tracing.shutdown();
    expect(one.calls).toHaveLength(CALLS.length);
    expect(Object.keys(tracing.stats().tracers)).toEqual(['one']);
  });

  test('is a tree of spans at the OTLP endpoint, and calls of every tracer', async () => {
    const [one, other] = [recordingTracer(), slowTracer()];
    const tracing = await start({
      tracers: { one: { module: one.tracer }, other: { module: other.tracer } },
      exporters: { otlp: { endpoint: collector.endpoint } },
    });
    await pass();
    await tracing.shutdown();

    const spans = collector.spans();
    const parents = spans.map(({ name, parentSpanId }) => [
      name,
      spans.find(({ spanId }) => spanId === parentSpanId)?.name,
    ]);
    expect(Object.fromEntries(parents)).toEqual({
      'vcon_processing.main': undefined,
      'link.tag': 'vcon_processing.main',
      'link.lookup': 'vcon_processing.main',
      GET: 'link.lookup',
      'storage.files': 'vcon_processing.main',
      'storage.database': 'vcon_processing.main',
    });
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
    for (const { calls } of [one, other]) expect(calls.map(inShort).sort()).toEqual([...CALLS].sort());
    expect(tracing.stats()).toMatchObject({
      events: EVENTS,
      openRuns: 0,
      issues: {},
      exporters: { otlp: { exported: 6, failed: 0, dropped: 0, pending: 0 } },
      tracers: { one: { ok: EVENTS, dead: 0, pending: 0 }, other: { ok: EVENTS, dead: 0, pending: 0 } },
    });
  });

  test('has the same metrics at the OTLP endpoint and in a scrape', async () => {
    const tracing = await start({
      tracers: { mine: { module: recordingTracer().tracer } },
      chains: { other: {} },
      receivers: { http: { port: 0 } },
      exporters: { otlp: { endpoint: collector.endpoint }, prometheus: { port: 0 } },
    });
    await pass();
    await tracing.forceFlush();
    const scrape = await scraped(tracing);
    const families = [...scrape.matchAll(/^# TYPE ((?!target_info)\S+)/gm)].map(([, name]) => name);
    const names = collector.metrics().map(({ name }) => name);
    // The chain is not in the configuration, so that there is an issue to count too. There is no stream, no journal on a
    // disk, with spans beside it, and no ledger.
    const { receiverLag, receiverFailing, journalSize, journalMaxSize, exporterOldestAge } = METRIC;
    const ofLedgers = Object.entries(METRIC).filter(([key]) => key.startsWith('ledger'));
    const absent: readonly object[] = [
      receiverLag,
      receiverFailing,
      journalSize,
      journalMaxSize,
      exporterOldestAge,
      ...ofLedgers.map(([, metric]) => metric),
    ];
    expect(names.sort()).toEqual(
      Object.values(METRIC)
        .filter((metric) => !absent.includes(metric))
        .map(({ name }) => name)
        .sort(),
    );
    expect(families.sort()).toEqual(names.map((name) => EXPECTED_NAMES[name]).sort());
    expect(scrape).toMatch(/^vcon_tracer_deliveries_total\{[^}]*vcon_outcome="ok"[^}]*\} 10$/m);
    expect(scrape).toMatch(/^vcon_chain_active\{[^}]*\} 0$/m);
    expect(scrape).not.toContain(UUID);
  });

  test.each<[string, string, unknown]>([
    ['one of its own', '', expect.stringMatching(/^[0-9a-f-]{36}$/)],
    ['the one that the environment gives it', 'service.instance.id=blue,host.name=here', 'blue'],
  ])('names its process in spans and metrics: %s', async (_what, attributes, id) => {
    vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', attributes);
    const tracing = await start({ exporters: { otlp: { endpoint: collector.endpoint } } });
    await pass();
    await tracing.shutdown();
    expect(collector.resources()).toHaveLength(2);
    for (const resource of collector.resources()) {
      expect(resource).toMatchObject({ 'service.name': 'conserver', 'service.instance.id': id });
      if (attributes) expect(resource['host.name']).toBe('here');
    }
  });

  test('is shown to a tracer that is a span processor', async () => {
    const exporter = new InMemorySpanExporter();
    const create = () => new SimpleSpanProcessor({ exporter });
    const tracing = await start({ tracers: { spans: { module: { create } } } });
    await pass();
    await tracing.forceFlush();
    expect(exporter.getFinishedSpans().map(({ name }) => name)).toContain('vcon_processing.main');
  });

  test('that is not sampled is heard by tracers and measured, but not exported', async () => {
    const { calls, tracer } = recordingTracer();
    const tracing = await start(
      { tracers: { mine: { module: tracer } }, exporters: { otlp: { endpoint: collector.endpoint } } },
      { OTEL_TRACES_SAMPLER: 'always_off' },
    );
    await pass();
    await tracing.shutdown();
    expect(calls.map(inShort).sort()).toEqual([...CALLS].sort());
    expect(collector.spans()).toEqual([]);
    const durations = collector.metrics().find(({ name }) => name === METRIC.chainDuration.name);
    expect(durations?.points.map(({ value }) => value)).toEqual([1]);
  });

  test('loses nothing for tracers where the OTLP endpoint is down, and its spans count as failed', async () => {
    vi.stubEnv('OTEL_EXPORTER_OTLP_TIMEOUT', '200');
    await collector.close();
    const { calls, tracer } = recordingTracer();
    const tracing = await start({
      tracers: { mine: { module: tracer } },
      exporters: { otlp: { endpoint: collector.endpoint } },
    });
    await pass();
    await tracing.shutdown();
    expect(calls.map(inShort).sort()).toEqual([...CALLS].sort());
    expect(tracing.stats().exporters.otlp).toEqual({ exported: 0, failed: 6, dropped: 0, pending: 0 });
  });

  test('is not traced at all with OTEL_SDK_DISABLED', async () => {
    const { calls, tracer } = recordingTracer();
    const tracing = await start(
      { tracers: { mine: { module: tracer } }, exporters: { otlp: { endpoint: collector.endpoint } } },
      { OTEL_SDK_DISABLED: 'true' },
    );
    await pass();
    await tracing.shutdown();
    expect(calls).toEqual([]);
    expect(collector.spans()).toEqual([]);
    expect(tracing.stats().events).toBe(0);
  });

  test('is not started with OTEL_SDK_DISABLED where a tracer must hear every run', async () => {
    const { tracer } = recordingTracer();
    const strict = { tracers: { strict: { module: tracer, options: { dlq_vcon_on_error: true } } } };
    await expect(start(strict, { OTEL_SDK_DISABLED: 'true' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
    await start(strict);
  });

  test('reaches tracers whole, whatever limits the environment sets for spans', async () => {
    vi.stubEnv('OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT', '3');
    vi.stubEnv('OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', '2');
    const { calls, tracer } = recordingTracer();
    const tracing = await start({ tracers: { mine: { module: tracer } } });
    await traceChain({ name: 'a-long-name', links: ['halting'] }, UUID, (run) =>
      run.link('halting', () => null),
    );
    await tracing.shutdown();
    expect(calls.map(inShort)).toEqual([
      `chain_start ${UUID}`,
      `run -1 ${UUID}→${UUID}`,
      `link_start ${UUID} halting`,
      `link_complete ${UUID} halting`,
      `run 0 ${UUID}→${UUID}`,
      `chain_complete ${UUID}`,
      `run 1 ${UUID}→${UUID}`,
    ]);
    expect(calls.at(-1)?.context).toMatchObject({ chain: 'a-long-name', outcome: 'halted' });
  });
});

describe('forceFlush', () => {
  test('resolves when slow tracers have heard everything and the endpoint has it', async () => {
    const { calls, tracer } = slowTracer();
    const tracing = await start({
      tracers: { slow: { module: tracer } },
      exporters: { otlp: { endpoint: collector.endpoint } },
    });
    await pass();
    await tracing.forceFlush();
    expect(calls).toHaveLength(CALLS.length);
    expect(collector.spans()).toHaveLength(6);
    expect(deliveries()).toEqual({
      slow: { ok: EVENTS, retried: 0, dead: 0, dropped: 0, skipped: 0 },
    });
    await pass();
    await tracing.forceFlush();
    expect(perRun(calls)).toHaveLength(2);
    expect(collector.spans()).toHaveLength(12);
  });
});

describe('shutdown', () => {
  test('lets tracers hear what is left before the metrics end, so that the last export counts it', async () => {
    let ended = false;
    const slow = recordingTracer((call) => {
      if (call.context.stage === 'storage' && call.context.phase === 'error')
        throw new DeliveryError('on purpose', { permanent: true });
      return turns(20);
    });
    const module: TracerModule = {
      ...slow.tracer,
      shutdown: async () => {
        ended = true;
      },
    };
    const tracing = await start({
      tracers: { slow: { module } },
      exporters: { otlp: { endpoint: collector.endpoint } },
    });
    await pass();
    expect(slow.calls).toEqual([]);
    await tracing.shutdown();
    expect(ended).toBe(true);
    expect(deliveries()).toEqual({
      slow: { ok: EVENTS - 1, retried: 0, dead: 1, dropped: 0, skipped: 0 },
    });
    const left = collector.metrics().find(({ name }) => name === METRIC.journalDepth.name);
    expect(left?.points.map(({ value }) => value)).toEqual([0]);
  });

  test('tells in the last export of metrics that no run is under way', async () => {
    const tracing = await start({ exporters: { otlp: { endpoint: collector.endpoint } } });
    const active = () =>
      collector
        .metrics()
        .find(({ name }) => name === METRIC.chainActive.name)
        ?.points.map(({ value }) => value);
    await traceChain({ name: 'main', links: [] }, UUID, () => tracing.forceFlush());
    expect(active()).toEqual([1]);
    await tracing.shutdown();
    expect(active()).toEqual([0]);
  });

  test('is safe twice, at once and later', async () => {
    const tracing = await start({ exporters: { prometheus: { port: 0 } } });
    await Promise.all([tracing.shutdown(), tracing.shutdown()]);
    await tracing.shutdown();
    await tracing.forceFlush();
    await expectNothingLeft(tracing.prometheusUrl);
  });

  test('leaves nothing behind, and a new start works', async () => {
    const first = recordingTracer();
    const second = recordingTracer();
    const before = await start({ tracers: { first: { module: first.tracer } } });
    await pass();
    await before.shutdown();
    await expectNothingLeft(before.prometheusUrl);
    const after = await start({
      tracers: { second: { module: second.tracer } },
      exporters: { otlp: { endpoint: collector.endpoint } },
    });
    await pass();
    await after.shutdown();
    expect([first.calls.length, second.calls.length]).toEqual([CALLS.length, CALLS.length]);
    expect(collector.spans()).toHaveLength(6);
  });
});

describe('a second start in the same process', () => {
  test('is refused, and the first goes on as before', async () => {
    const { calls, tracer } = recordingTracer();
    const tracing = await start({
      tracers: { mine: { module: tracer } },
      exporters: { otlp: { endpoint: collector.endpoint } },
    });
    const create = vi.fn(() => tracer);
    await expect(startTracing({ tracers: { other: { module: { create } } } })).rejects.toMatchObject({
      code: 'ALREADY_STARTED',
    });
    expect(create).not.toHaveBeenCalled();
    await pass();
    await tracing.shutdown();
    expect(calls).toHaveLength(CALLS.length);
    expect(collector.spans()).toHaveLength(6);
  });

  test('is refused while the first is still under way', async () => {
    const { calls, tracer } = recordingTracer();
    const [first, second] = await Promise.allSettled([
      start({ tracers: { mine: { module: tracer } } }),
      start({}),
    ]);
    expect(first.status).toBe('fulfilled');
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'ALREADY_STARTED' } });
    await pass();
    await Promise.all(running.map((tracing) => tracing.shutdown()));
    expect(calls).toHaveLength(CALLS.length);
  });

  test('is refused where the application has an SDK of its own', async () => {
    const own = new NodeSDK({
      autoDetectResources: false,
      spanProcessors: [new SimpleSpanProcessor({ exporter: new InMemorySpanExporter() })],
      metricReaders: [],
      logRecordProcessors: [],
    });
    own.start();
    onTestFinished(async () => {
      await own.shutdown();
      disableGlobals();
    });
    await expect(startTracing()).rejects.toMatchObject({ code: 'ALREADY_STARTED' });
    expect(recording()).toBe(true);
  });
});

test("an application's own metrics, context and propagation are left as they are, by the end too", async () => {
  const contexts = new AsyncLocalStorageContextManager().enable();
  const provider = new MeterProvider();
  const propagator = new W3CTraceContextPropagator();
  context.setGlobalContextManager(contexts);
  metrics.setGlobalMeterProvider(provider);
  propagation.setGlobalPropagator(propagator);
  const logProvider = { getLogger: logs.getLogger };
  logs.setGlobalLoggerProvider(logProvider);
  onTestFinished(disableGlobals);
  const kept = () => [
    context.with(ROOT_CONTEXT.setValue(PROBE, true), () => context.active().getValue(PROBE)),
    metrics.getMeterProvider(),
    propagation.fields(),
    logs.getLoggerProvider(),
  ];
  const expected = [true, provider, propagator.fields(), logProvider];
  const registering = vi.spyOn(logs, 'setGlobalLoggerProvider');
  onTestFinished(() => registering.mockRestore());
  const { calls, tracer } = recordingTracer();
  const tracing = await start({
    tracers: { mine: { module: tracer } },
    exporters: { prometheus: { port: 0 } },
  });
  // A second registration would be an error in the application's log.
  expect(registering).not.toHaveBeenCalled();
  await pass();
  expect(kept()).toEqual(expected);
  expect(await scraped(tracing)).toContain('vcon_chain_duration');
  await tracing.shutdown();
  expect(kept()).toEqual(expected);
  expect(calls).toHaveLength(CALLS.length);
});

describe('a start that fails half-way leaves nothing behind', () => {
  const broken: TracerModule = {
    create: () => {
      throw new RangeError('on purpose');
    },
  };

  test.each<[string, ConfigInput, Partial<VconOtelError>]>([
    [
      'a tracer that cannot be made',
      { tracers: { broken: { module: broken } } },
      { code: 'TRACER_FAILED', path: 'tracers.broken' },
    ],
    [
      'a module that is not there',
      { tracers: { lost: { module: './no-such-tracer.ts' } } },
      { code: 'MODULE_NOT_FOUND', path: 'tracers.lost.module' },
    ],
    [
      'a module that is no tracer',
      { tracers: { empty: { module: {} as TracerModule } } },
      { code: 'MODULE_INVALID', path: 'tracers.empty.module' },
    ],
    [
      'an option that is wrong',
      { tracers: { audit: { module: 'tracers.audit_log', options: { log_file: '' } } } },
      { code: 'OPTIONS_INVALID', path: 'tracers.audit.options.log_file' },
    ],
    [
      'a trace file in a place where none can be',
      { exporters: { otlp_file: { path: '/dev/null/traces.jsonl' } } },
      { code: 'FILE_UNUSABLE' },
    ],
    [
      'a folder of vCons that is not there',
      { vcon_store: { type: 'directory', path: '/dev/null/vcons' } },
      { code: 'FILE_UNUSABLE' },
    ],
  ])('%s', async (_what, config, refusal) => {
    const port = await freePort();
    const prometheus = { port };
    await expect(start({ ...config, exporters: { ...config.exporters, prometheus } })).rejects.toMatchObject(
      refusal,
    );
    await expectNothingLeft(`http://127.0.0.1:${port}/metrics`);
    const { calls, tracer } = recordingTracer();
    const next = await start({ tracers: { mine: { module: tracer } }, exporters: { prometheus } });
    await pass();
    await next.shutdown();
    expect(calls).toHaveLength(CALLS.length);
  });

  test('a port that is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as AddressInfo;
    await expect(start({ exporters: { prometheus: { port } } })).rejects.toMatchObject({
      code: 'ADDRESS_UNAVAILABLE',
      path: 'exporters.prometheus',
    });
    await expectNothingLeft(undefined);
    await start({});
    expect(recording()).toBe(true);
  });

  test('tracers that were made before the one that cannot be are ended', async () => {
    const shutdown = vi.fn(async () => {});
    const modules: Record<string, TracerModule> = {
      good: { trace: () => {}, shutdown },
      processor: {
        create: () => ({ onStart() {}, onEnd() {}, forceFlush: async () => {}, shutdown }),
      },
      bad: { trace: () => {}, shutdown: () => Promise.reject(new Error('on purpose')) },
      broken,
    };
    const tracers = Object.fromEntries(Object.entries(modules).map(([name, module]) => [name, { module }]));
    await expect(start({ tracers })).rejects.toMatchObject({ path: 'tracers.broken' });
    expect(shutdown).toHaveBeenCalledTimes(2);
  });
});

test('startTracing takes a configuration without any key, and the environment', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vcon-otel-service-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.endpoint);
  const tracing = await startTracing();
  running.push(tracing);
  expect(tracing.prometheusUrl).toBeUndefined();
  await traceChain({ name: 'main', links: [] }, UUID, () => {});
  await tracing.shutdown();
  expect(collector.spans().map(({ name }) => name)).toEqual(['vcon_processing.main']);
});

test("in an application's own NodeSDK the span processor is all that tracers need", async () => {
  const { calls, tracer } = recordingTracer();
  const exporter = new InMemorySpanExporter();
  const sdk = new NodeSDK({
    autoDetectResources: false,
    spanProcessors: [
      new TracerSpanProcessor({ tracers: [{ name: 'mine', module: tracer }] }),
      new SimpleSpanProcessor({ exporter }),
    ],
    metricReaders: [],
    logRecordProcessors: [],
  });
  onTestFinished(disableGlobals);
  sdk.start();
  await pass();
  const spans = exporter.getFinishedSpans().length;
  await sdk.shutdown();
  expect(spans).toBe(6);
  expect(calls.map(inShort).sort()).toEqual([...CALLS].sort());
});

async function scraped({ prometheusUrl = '' }: Tracing): Promise<string> {
  const response = await fetch(prometheusUrl);
  expect(response.status).toBe(200);
  return response.text();
}

/** Of the last export of metrics: how many events each tracer was delivered. */
function deliveries(): Record<string, Record<string, number>> {
  const result: Record<string, Record<string, number>> = {};
  const metric = collector.metrics().find(({ name }) => name === METRIC.tracerDeliveries.name);
  for (const { attributes, value } of metric?.points ?? []) {
    const tracer = attributes['vcon.tracer.name'] ?? '';
    result[tracer] = { ...result[tracer], [attributes['vcon.outcome'] ?? '']: value };
  }
  return result;
}

/** No SDK is registered, and whatever listened at that address does so no more. */
async function expectNothingLeft(url: string | undefined): Promise<void> {
  expect(recording()).toBe(false);
  expect(context.with(ROOT_CONTEXT.setValue(PROBE, true), () => context.active().getValue(PROBE))).toBe(
    undefined,
  );
  expect(propagation.fields()).toEqual([]);
  expect(metrics.getMeterProvider().constructor.name).toMatch(/noop/i);
  if (url !== undefined) await expect(fetch(url)).rejects.toThrow();
}

const PROBE = createContextKey('probe');

function recording(): boolean {
  const span = trace.getTracer('probe').startSpan('probe');
  span.end();
  return span.spanContext().traceId !== '0'.repeat(32);
}

function disableGlobals(): void {
  for (const api of [trace, metrics, logs, context, propagation]) api.disable();
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
