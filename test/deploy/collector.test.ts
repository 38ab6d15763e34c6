import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ATTR, CONSERVER_ATTR, DURATION_BUCKETS } from '../../src/model/semconv.ts';
import { COMPONENTS } from '../backends/collector-build.ts';
import { COLLECTOR, ROOT } from './stack-files.ts';

const KINDS = ['receivers', 'processors', 'exporters', 'connectors', 'extensions'] as const;
const PIPELINES = Object.entries(COLLECTOR.service.pipelines);
const DEFINED = new Set(KINDS.flatMap((kind) => Object.keys(COLLECTOR[kind])));

describe('otel-collector.yaml', () => {
  test('what a pipeline names is defined, and what is defined is used', () => {
    const used = PIPELINES.flatMap(([, { receivers, processors = [], exporters }]) => [
      ...receivers,
      ...processors,
      ...exporters,
    ]);
    expect([...new Set([...used, ...COLLECTOR.service.extensions])].toSorted()).toEqual(
      [...DEFINED].toSorted(),
    );
  });

  test('a connector ends one pipeline and begins another', () => {
    for (const name of Object.keys(COLLECTOR.connectors)) {
      expect(
        PIPELINES.filter(([, { exporters }]) => exporters.includes(name)),
        name,
      ).not.toEqual([]);
      expect(
        PIPELINES.filter(([, { receivers }]) => receivers.includes(name)),
        name,
      ).not.toEqual([]);
    }
  });

  test('every component is one that is built and tried, by its current name', () => {
    for (const kind of KINDS)
      for (const name of Object.keys(COLLECTOR[kind]))
        expect(COMPONENTS).toContain(`${kind}/${name.split('/')[0]}`);
  });

  test('whatever comes in passes the memory limiter first, and is then redacted', () => {
    for (const [, { receivers, processors }] of PIPELINES.filter(([, { receivers }]) =>
      receivers.includes('otlp'),
    )) {
      expect(receivers).toEqual(['otlp']);
      expect(processors?.[0]).toBe('memory_limiter');
      expect(processors?.filter((name) => name.startsWith('redaction/'))).toHaveLength(1);
    }
  });

  test('the adapter gets what is neither sampled nor changed, and not its own spans', () => {
    expect(COLLECTOR.service.pipelines['traces/adapter']).toEqual({
      receivers: ['forward/redacted'],
      processors: ['filter/adapter'],
      exporters: ['otlp_http/adapter'],
    });
    expect(JSON.stringify(COLLECTOR.processors['filter/adapter'])).toContain(ATTR.inferred);
  });

  test('the adapter’s copy waits on the disk and is tried for ever', () => {
    expect(COLLECTOR.exporters['otlp_http/adapter']).toMatchObject({
      sending_queue: { storage: 'file_storage' },
      retry_on_failure: { max_elapsed_time: 0 },
    });
    expect(COLLECTOR.service.extensions).toContain('file_storage');
  });

  test('what tail sampling hands on is queued by spans: a burst of traces is more requests than a queue of them holds', () => {
    for (const name of COLLECTOR.service.pipelines['traces/sampled']?.exporters ?? [])
      expect(COLLECTOR.exporters[name]).toMatchObject({ sending_queue: { sizer: 'items' } });
  });

  test('spans are measured before they are sampled', () => {
    for (const [, { processors, exporters }] of PIPELINES)
      if (exporters.includes('span_metrics') || exporters.includes('service_graph'))
        expect(processors).not.toContain('tail_sampling');
  });

  test('durations have our buckets', () => {
    const seconds = (text: string) =>
      text.endsWith('ms') ? Number.parseInt(text, 10) / 1e3 : Number.parseInt(text, 10);
    const { histogram } = COLLECTOR.connectors.span_metrics as unknown as {
      histogram: { unit: string; explicit: { buckets: string[] } };
    };
    expect(histogram.unit).toBe('s');
    expect(histogram.explicit.buckets.map(seconds)).toEqual(DURATION_BUCKETS);
    const graph = COLLECTOR.connectors.service_graph as unknown as { latency_histogram_buckets: string[] };
    expect(graph.latency_histogram_buckets.map(seconds)).toEqual(DURATION_BUCKETS);
  });

  test('every attribute of the conserver’s spans and of ours passes the redaction', () => {
    const { allowed_keys: allowed } = COLLECTOR.processors['redaction/traces'] as unknown as {
      allowed_keys: string[];
    };
    // These are on metrics only.
    const { storageOutcome, tracerName, exporterName, outcome, issueKind, cpuMode, ...onSpans } = ATTR;
    expect([storageOutcome, tracerName, exporterName, outcome, issueKind, cpuMode]).toHaveLength(6);
    expect(allowed).toEqual(
      expect.arrayContaining([...Object.values(CONSERVER_ATTR), ...Object.values(onSpans)]),
    );
  });

  test('no attribute that holds text of a conversation, an address or a query passes', () => {
    const { allowed_keys: allowed } = COLLECTOR.processors['redaction/traces'] as unknown as {
      allowed_keys: string[];
    };
    for (const key of [
      'exception.message',
      'exception.stacktrace',
      'db.statement',
      'db.query.text',
      'url.full',
      'url.query',
      'url.path',
      'http.url',
      'http.target',
      'enduser.id',
      'client.address',
      'process.command_line',
    ])
      expect(allowed).not.toContain(key);
  });

  test('what has been given up by OpenTelemetry is not used', () => {
    const names = [...DEFINED].map((name) => name.split('/')[0]);
    for (const old of [
      'batch',
      'logging',
      'jaeger',
      'otlphttp',
      'spanmetrics',
      'servicegraph',
      'prometheusremotewrite',
    ])
      expect(names).not.toContain(old);
  });

  test('every variable has a default, which is what docker-compose.yml means', () => {
    const text = readFileSync(join(ROOT, 'otel-collector.yaml'), 'utf8');
    const variables = [...text.matchAll(/\$\{env:([A-Z_]+)(:-[^}]*)?\}/g)];
    expect(variables.length).toBeGreaterThan(10);
    for (const [variable, , fallback] of variables) expect(fallback, variable).toBeDefined();
  });
});
