import { ExportResultCode } from '@opentelemetry/core';
import { AggregationTemporality, InstrumentType, MeterProvider } from '@opentelemetry/sdk-metrics';
import { SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterEach, expect, test } from 'vitest';
import {
  type OtlpSettings,
  otlpMetricReader,
  otlpTraceExporter,
} from '../../src/exporters/otlp/otlp-http.ts';
import { VconOtelError } from '../../src/model/error.ts';
import { spansOf, startOtlpServer } from './otlp-server.ts';
import { recordLog } from './recorded-log.ts';

let log: ReturnType<typeof recordLog> | undefined;
afterEach(() => {
  log?.stop();
  log = undefined;
});

async function sendSpan(settings: OtlpSettings): Promise<void> {
  const exporter = otlpTraceExporter(settings);
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  provider.getTracer('test').startSpan('link.a').end();
  await provider.shutdown();
}

async function sendMetric(settings: OtlpSettings): Promise<void> {
  const provider = new MeterProvider({ readers: [otlpMetricReader(settings)] });
  provider.getMeter('test').createCounter('test.counter').add(1);
  await provider.shutdown();
}

test.each([
  ['', '/v1/traces', '/v1/metrics'],
  ['/', '/v1/traces', '/v1/metrics'],
  ['/otlp', '/otlp/v1/traces', '/otlp/v1/metrics'],
  ['/otlp/?team=a', '/otlp/v1/traces?team=a', '/otlp/v1/metrics?team=a'],
])('to the base URL …%s the path of the signal is appended', async (path, traces, metrics) => {
  const server = await startOtlpServer();
  const settings = { endpoint: server.endpoint + path, headers: { 'x-team': 'a' } };
  await sendSpan(settings);
  await sendMetric(settings);
  expect(server.requests.map((request) => request.path)).toEqual([traces, metrics]);
  expect(server.requests.map((request) => request.headers['x-team'])).toEqual(['a', 'a']);
  expect(server.requests.map((request) => request.headers['content-type'])).toEqual([
    'application/json',
    'application/json',
  ]);
  expect(spansOf(server.requests[0]?.body).map(({ name }) => name)).toEqual(['link.a']);
  await server.close();
});

test('the full URL of a signal is used as it is', async () => {
  const server = await startOtlpServer();
  await sendSpan({ url: `${server.endpoint}/spans` });
  await sendMetric({ url: server.endpoint });
  expect(server.requests.map((request) => request.path)).toEqual(['/spans', '/']);
  await server.close();
});

test('metrics are cumulative', () => {
  const reader = otlpMetricReader({ endpoint: 'http://127.0.0.1:9' });
  for (const type of [InstrumentType.COUNTER, InstrumentType.HISTOGRAM])
    expect(reader.selectAggregationTemporality(type)).toBe(AggregationTemporality.CUMULATIVE);
});

test.each(['collector:4318', 'ftp://example.com', 'not a url', ''])(
  'the URL %j is refused before start, and not repeated in the message',
  (url) => {
    for (const settings of [{ endpoint: url }, { url }])
      for (const make of [otlpTraceExporter, otlpMetricReader]) {
        const error = thrown(() => make(settings));
        expect(error).toMatchObject({ code: 'CONFIG_INVALID', path: 'exporters.otlp' });
        if (url !== '') expect(String(error)).not.toContain(url);
      }
  },
);

test('the error of a refused export holds the status and nothing of the answer or the address', async () => {
  const server = await startOtlpServer(() => 400, '{"message":"canary"}');
  const exporter = otlpTraceExporter({ endpoint: `${server.endpoint}/secret-path` });
  const result = await new Promise<{ code: number; error?: Error }>((resolve) =>
    exporter.export([], resolve),
  );
  expect(result.code).toBe(ExportResultCode.FAILED);
  expect(result.error?.message).toBe('OTLP export failed: HTTP_400');
  expect(JSON.stringify(result.error, Object.getOwnPropertyNames(result.error))).not.toMatch(
    /canary|secret-path/,
  );
  await server.close();
});

test('a refused export of metrics is logged without the answer and the address', async () => {
  log = recordLog();
  const server = await startOtlpServer(() => 403, '{"message":"canary"}');
  await sendMetric({ endpoint: `${server.endpoint}/secret-path` });
  expect(log.lines.join('\n')).toContain('OTLP export failed: HTTP_403');
  expect(log.lines.join('\n')).not.toMatch(/canary|secret-path|127\.0\.0\.1/);
  await server.close();
});

function thrown(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(VconOtelError);
    return error;
  }
  throw new Error('nothing was thrown');
}
