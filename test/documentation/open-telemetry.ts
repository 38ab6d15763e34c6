import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { context, metrics, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { expect } from 'vitest';
import { startTracing, TracerSpanProcessor, traceChain } from '../../src/index.ts';
import { compliance } from '../../src/tracers/index.ts';
import { startServer } from '../outgoing/misbehaving-server.ts';
import { recordingTracer } from '../support/recording-tracer.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { type Item, same } from './item.ts';
import { UUID } from './passage.ts';

const root = join(import.meta.dirname, '../..');

const walk = () =>
  traceChain({ name: 'main', links: ['a'] }, UUID, async (run) => {
    await run.link('a', (uuid) => uuid);
    await run.storage({ name: 's' }, () => {});
  });

/** The spans of a passage, and what runs in an SDK of somebody's own. */
async function spansOf(processors: ConstructorParameters<typeof TracerProvider>[0] = {}) {
  const exporter = new InMemorySpanExporter();
  const spanProcessors = [...(processors.spanProcessors ?? []), new SimpleSpanProcessor({ exporter })];
  const provider = new TracerProvider({ spanProcessors });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  try {
    await walk();
    await provider.forceFlush();
    return exporter.getFinishedSpans();
  } finally {
    await provider.shutdown();
    trace.disable();
    context.disable();
  }
}

/** OpenTelemetry, and tracers as its span processors. */
export const openTelemetry: readonly Item[] = [
  same('C01', 'seven packages of OpenTelemetry are what it is built on', () => {
    const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(Object.keys({ ...dependencies, ...peerDependencies })).toEqual(
      expect.arrayContaining(
        [
          'api',
          'sdk-node',
          'sdk-trace',
          'sdk-metrics',
          'resources',
          'exporter-trace-otlp-http',
          'exporter-prometheus',
        ].map((name) => `@opentelemetry/${name}`),
      ),
    );
  }),
  same('C02', 'nine paths are where they are looked for', () => {
    const paths = ['src/index.ts', 'src/bridge', 'src/tracers', 'src/exporters', 'src/instrumentation'];
    for (const path of [...paths, 'test', 'docs', 'docker-compose.yml', 'otel-collector.yaml'])
      expect([path, existsSync(join(root, path))]).toEqual([path, true]);
  }),
  same('C03', 'a chain is the parent span, links and storages are its children', async () => {
    const spans = await spansOf();
    const chain = spans.find(({ name }) => name === 'vcon_processing.main');
    const children = spans.filter(
      ({ parentSpanContext }) => parentSpanContext?.spanId === chain?.spanContext().spanId,
    );
    expect(children.map(({ name }) => name).sort()).toEqual(['link.a', 'storage.s']);
  }),
  same('C04', 'spans become calls of trace and run', async () => {
    const { calls, tracer } = recordingTracer();
    await spansOf({
      spanProcessors: [new TracerSpanProcessor({ tracers: [{ name: 'mine', module: tracer }] })],
    });
    expect(new Set(calls.map(({ call }) => call))).toEqual(new Set(['trace', 'run']));
  }),
  same('C05', 'JLINC and compliance run as span processors, by startTracing', async () => {
    const directory = join(temporaryFolder(), 'ledger');
    const tracing = await startTracing({
      log_level: 'error',
      tracers: { audit: { module: 'tracers.compliance', options: { directory } } },
    });
    await walk();
    await tracing.shutdown();
    expect(existsSync(join(directory, 'checkpoint'))).toBe(true);
  }),
  same('C06', 'the same in an SDK of one’s own, by name or imported', async () => {
    for (const module of ['tracers.compliance', compliance] as const) {
      const directory = join(temporaryFolder(), 'ledger');
      const tracers = [{ name: 'audit', module, options: { directory } }];
      await spansOf({ spanProcessors: [new TracerSpanProcessor({ tracers })] });
      expect(existsSync(join(directory, 'checkpoint'))).toBe(true);
    }
  }),
  same('C07', 'Jaeger and Tempo get the spans, by OTLP', async () => {
    const collector = await startServer((response) =>
      response.setHeader('content-type', 'application/json').end('{}'),
    );
    const tracing = await startTracing({
      log_level: 'error',
      exporters: { otlp: { traces_endpoint: `http://127.0.0.1:${collector.port}/v1/traces` } },
    });
    await walk();
    await tracing.shutdown();
    await collector.close();
    expect(collector.received.map(({ path }) => path)).toContain('/v1/traces');
    expect(collector.received[0]?.body).toContain('vcon_processing.main');
  }),
  same('C08', 'Prometheus scrapes the metrics', async () => {
    const tracing = await startTracing({ log_level: 'error', exporters: { prometheus: { port: 0 } } });
    await walk();
    const text = await (await fetch(String(tracing.prometheusUrl))).text();
    await tracing.shutdown();
    metrics.disable();
    expect(text).toContain('vcon_link_duration_seconds_bucket');
  }),
  same('C09', 'a span processor of one’s own is a tracer', async () => {
    const names: string[] = [];
    const processor = {
      onStart: () => {},
      onEnd: ({ name }: { name: string }) => void names.push(name),
      forceFlush: async () => {},
      shutdown: async () => {},
    };
    const tracing = await startTracing({
      log_level: 'error',
      tracers: { mine: { module: { create: () => processor } } },
    });
    await walk();
    await tracing.shutdown();
    expect(names).toEqual(['link.a', 'storage.s', 'vcon_processing.main']);
  }),
];
