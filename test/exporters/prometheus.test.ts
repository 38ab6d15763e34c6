import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ASSEMBLY_ISSUES } from '../../src/assembly/issues.ts';
import { batchSpans } from '../../src/exporters/bounded-span-processor.ts';
import { otlpMetricReader } from '../../src/exporters/otlp/otlp-http.ts';
import { type PrometheusEndpoint, startPrometheus } from '../../src/exporters/prometheus/start-prometheus.ts';
import { DURATION_BUCKETS, METRIC } from '../../src/model/semconv.ts';
import { measureReceivers, ReceiverCounts } from '../../src/receivers/index.ts';
import { measureProcess } from '../../src/service/process-metrics.ts';
import { SpanMetricsProcessor } from '../../src/service/span-metrics-processor.ts';
import { EXPECTED_NAMES } from './expected-names.ts';
import { startOtlpServer } from './otlp-server.ts';
import { recordLog } from './recorded-log.ts';

const LOCAL = { host: '127.0.0.1', port: 0 };

let endpoint: PrometheusEndpoint;
beforeEach(async () => {
  endpoint = await startPrometheus(LOCAL);
});
afterEach(() => endpoint.close());

/** Makes every metric this package can make: from spans where spans make it, by hand the bridge's. */
async function makeAllMetrics(meterProvider: MeterProvider): Promise<void> {
  const batches = batchSpans(new InMemorySpanExporter(), { meterProvider });
  const spanMetrics = new SpanMetricsProcessor({ meterProvider });
  const provider = new TracerProvider({ spanProcessors: [spanMetrics, batches] });
  const tracer = provider.getTracer('test');
  for (const name of ['vcon_processing.main', 'link.tag', 'storage.files'])
    tracer.startSpan(name, { attributes: { vcon_id: 'v', chain_name: 'main' } }).end();
  await batches.forceFlush();
  const meter = meterProvider.getMeter('vcon-otel');
  const { tracerDuration, tracerDeliveries, tracerCircuitOpen, storeReads, bridgeIssues } = METRIC;
  const { journalDepth, journalOldestAge, journalDeadLetters, journalFull, journalSize, journalMaxSize } =
    METRIC;
  const {
    ledgerRecords,
    ledgerCheckpointRecords,
    ledgerFault,
    ledgerQuorumAge,
    ledgerMirrorPending,
    ledgerMirrorLag,
    ledgerCheckpointAge,
  } = METRIC;
  const { exporterPending, exporterOldestAge } = METRIC;
  meter
    .createHistogram(tracerDuration.name, {
      ...tracerDuration,
      advice: { explicitBucketBoundaries: [...DURATION_BUCKETS] },
    })
    .record(1, { 'vcon.tracer.name': 'audit' });
  for (const counter of [tracerDeliveries, storeReads, bridgeIssues])
    meter.createObservableCounter(counter.name, counter).addCallback((result) => result.observe(1));
  for (const gauge of [
    journalDepth,
    journalOldestAge,
    journalDeadLetters,
    journalFull,
    journalSize,
    journalMaxSize,
    ledgerRecords,
    ledgerCheckpointRecords,
    ledgerFault,
    ledgerQuorumAge,
    ledgerMirrorPending,
    ledgerMirrorLag,
    ledgerCheckpointAge,
    tracerCircuitOpen,
    exporterPending,
    exporterOldestAge,
  ])
    meter.createObservableGauge(gauge.name, gauge).addCallback((result) => result.observe(1));
  const issues = () => ASSEMBLY_ISSUES.map((kind) => [kind, 0] as const);
  measureProcess(meterProvider)();
  measureReceivers(
    { counts: new ReceiverCounts(), issues, runs: () => 1, failing: () => true, lag: () => 1 },
    meterProvider,
  );
}

async function scrape(): Promise<string> {
  const response = await fetch(endpoint.url);
  expect(response.status).toBe(200);
  return response.text();
}

describe('names', () => {
  test('the names in a scrape are those the Collector makes of the same metrics over OTLP', async () => {
    const collector = await startOtlpServer();
    const meterProvider = new MeterProvider({
      readers: [endpoint.reader, otlpMetricReader({ endpoint: collector.endpoint })],
    });
    await makeAllMetrics(meterProvider);
    const scraped = await scrape();
    await meterProvider.shutdown();
    await collector.close();

    const body = collector.requests.at(-1)?.body as {
      resourceMetrics: { scopeMetrics: { metrics: { name: string; unit: string }[] }[] }[];
    };
    const overOtlp = body.resourceMetrics.flatMap(({ scopeMetrics }) =>
      scopeMetrics.flatMap(({ metrics }) => metrics),
    );
    expect(overOtlp.map(({ name }) => name).sort()).toEqual(Object.keys(EXPECTED_NAMES).sort());
    for (const { name, unit } of Object.values(METRIC))
      expect(overOtlp).toContainEqual(expect.objectContaining({ name, unit }));
    const families = [...scraped.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(families.sort()).toEqual([...Object.values(EXPECTED_NAMES), 'target_info'].sort());
    expect(scraped).toMatch(/^vcon_link_duration_seconds_bucket\{.*vcon_chain_name="main".*le="0.005"\} \d/m);
  });

  test('promtool finds nothing to complain about', async ({ skip }) => {
    if (spawnSync('promtool', ['--version']).error) {
      const missing = 'promtool is missing: install the Debian package prometheus';
      if (process.env.CI === 'true') throw new Error(missing);
      skip(missing);
    }
    await makeAllMetrics(new MeterProvider({ readers: [endpoint.reader] }));
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: await scrape(),
      encoding: 'utf8',
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });
});

describe('over HTTP', () => {
  test('a scrape says which format it is in', async () => {
    new MeterProvider({ readers: [endpoint.reader] });
    const response = await fetch(`${endpoint.url}?name=value`);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await response.text()).toMatch(/\n$/);
  });

  test('HEAD answers without a body', async () => {
    new MeterProvider({ readers: [endpoint.reader] });
    const response = await fetch(endpoint.url, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(0);
    expect(await response.text()).toBe('');
  });

  test.each([
    ['GET', '/', 404],
    ['GET', '/metrics/', 404],
    ['GET', '//', 404],
    ['POST', '/metrics', 405],
    ['DELETE', '/metrics', 405],
  ])('%s %s is answered with %i', async (method, path, status) => {
    const { port } = new URL(endpoint.url);
    const sent = request({ host: '127.0.0.1', port, method, path, agent: false }).end();
    const [response] = await once(sent, 'response');
    expect(response.statusCode).toBe(status);
    expect(response.headers.allow).toBe(status === 405 ? 'GET, HEAD' : undefined);
    response.resume();
  });

  test('a scrape before metrics are there is answered with 503', async () => {
    const log = recordLog();
    expect((await fetch(endpoint.url)).status).toBe(503);
    expect((await fetch(endpoint.url)).status).toBe(503);
    expect(log.lines).toEqual(['vcon-otel/prometheus metrics could not be collected: Error']);
    log.stop();
  });

  test('target_info shows the resource without command lines and paths', async () => {
    const resource = resourceFromAttributes({
      'service.name': 'conserver',
      'process.command': '/canary/bin/serve',
      'process.command_args': ['node', '/canary'],
    });
    new MeterProvider({ resource, readers: [endpoint.reader] });
    expect(await scrape()).toContain('target_info{service_name="conserver"} 1');
    expect(await scrape()).not.toContain('canary');
  });

  test('an observation that fails takes no other metric with it, and its message is not logged', async () => {
    const log = recordLog();
    const meterProvider = new MeterProvider({ readers: [endpoint.reader] });
    meterProvider.getMeter('test').createCounter('good').add(1);
    meterProvider
      .getMeter('test')
      .createObservableGauge('bad')
      .addCallback(() => {
        throw new TypeError('canary');
      });
    expect(await scrape()).toMatch(/^good_total/m);
    expect(log.lines).toEqual(['vcon-otel/prometheus 1 observations failed: TypeError']);
    log.stop();
  });
});

describe('the address', () => {
  test('port 0 takes a free port', async () => {
    const other = await startPrometheus(LOCAL);
    expect(other.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*\/metrics$/);
    expect(other.url).not.toBe(endpoint.url);
    await other.close();
  });

  test('an address in use is refused with its name', async () => {
    const busy = createServer();
    await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve));
    const { port } = busy.address() as AddressInfo;
    await expect(startPrometheus({ host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'ADDRESS_UNAVAILABLE',
      path: 'exporters.prometheus',
      message: `exporters.prometheus: cannot listen on 127.0.0.1 port ${port}: EADDRINUSE, another program has it, perhaps another vcon-otel: end that one, or set port to another (0: any free one)`,
    });
    busy.close();
  });

  test.each([
    ['192.0.2.1', 0],
    ['127.0.0.1', 70_000],
  ])('%s port %i is refused', async (host, port) => {
    await expect(startPrometheus({ host, port })).rejects.toMatchObject({ code: 'ADDRESS_UNAVAILABLE' });
  });
});

describe('closing', () => {
  test('a kept-alive connection and one that says nothing do not hold it up', async () => {
    new MeterProvider({ readers: [endpoint.reader] });
    const { hostname, port } = new URL(endpoint.url);
    const silent = connect(Number(port), hostname);
    const keptAlive = connect(Number(port), hostname);
    keptAlive.write('GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n');
    await Promise.all([once(silent, 'connect'), once(keptAlive, 'data')]);
    const ended = Promise.all([once(silent, 'close'), text(keptAlive)]);
    silent.resume();
    await endpoint.close();
    await endpoint.close();
    await ended;
    await expect(fetch(endpoint.url)).rejects.toThrow();
  });

  test('the shutdown of the meter provider closes it too', async () => {
    const meterProvider = new MeterProvider({ readers: [endpoint.reader] });
    await meterProvider.shutdown();
    await expect(fetch(endpoint.url)).rejects.toThrow();
  });
});
