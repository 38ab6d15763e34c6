import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { type ReadableSpan, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { BatchSettings } from '../../src/exporters/batch-settings.ts';
import { batchSpans } from '../../src/exporters/bounded-span-processor.ts';
import { otlpTraceExporter } from '../../src/exporters/otlp/otlp-http.ts';
import { DeliveryError } from '../../src/model/delivery-error.ts';
import { PATIENCE } from '../support/eventually.ts';
import { freePort } from '../support/server.ts';
import { startMeters } from './collected.ts';
import { type Answer, type OtlpRequest, spansOf, startOtlpServer } from './otlp-server.ts';
import { recordLog } from './recorded-log.ts';

const CANNOT = 'vcon-otel/exporters spans cannot be exported';
const AGAIN = expect.stringMatching(/^vcon-otel\/exporters spans are exported again, after [\d.]+ s$/);

let log: ReturnType<typeof recordLog>;
beforeEach(() => {
  log = recordLog();
  vi.stubEnv('OTEL_EXPORTER_OTLP_TIMEOUT', '60000');
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  log.stop();
});

/** So late, in milliseconds, that it is never by itself. */
const NEVER = 2_000_000_000;

/** The SDK's own tries of what may pass, after a second or more: they are made at once, so that a test need not be shorter. */
function hurrySdk() {
  const setTimeout = globalThis.setTimeout;
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(((call: () => void, millis: number) =>
    setTimeout(call, millis >= 800 && millis <= 5_000 ? 0 : millis)) as typeof setTimeout);
}

/** A processor that does not wait long, and what makes spans for it: ten in a batch. */
function started(exporter: SpanExporter, settings: BatchSettings = {}) {
  const patient = { exportTimeoutMillis: 60_000, shutdownMillis: 60_000 };
  const quick = { maxExportBatchSize: 10, retryMillis: 5, maxRetryMillis: 20, ...patient };
  const processor = batchSpans(exporter, { ...quick, ...settings });
  onTestFinished(() => processor.shutdown());
  const tracer = new TracerProvider({ spanProcessors: [processor] }).getTracer('test');
  return {
    processor,
    burst(spans: number): void {
      for (let i = 0; i < spans; i += 1) tracer.startSpan(`link.${i}`).end();
    },
  };
}

async function server(answer?: (request: OtlpRequest) => Answer | Promise<Answer>, port = 0) {
  const started = await startOtlpServer(answer, '{"message":"canary"}', port);
  onTestFinished(() => started.close());
  return started;
}

/** Answers badly until it is told to be well, and first when so many requests have come. */
async function illServer(ill: Answer, atOnce = 1) {
  let well = false;
  const come = Promise.withResolvers<void>();
  const started = await server(async () => {
    if (started.requests.length >= atOnce) come.resolve();
    await come.promise;
    return well ? 200 : ill;
  });
  return {
    ...started,
    recover() {
      well = true;
    },
  };
}

/** The names of the spans that came, each once. */
function arrived(requests: readonly OtlpRequest[]): Set<string> {
  return new Set(requests.flatMap(({ body }) => spansOf(body).map(({ name }) => name)));
}

const waitUntil = (fact: () => boolean) => vi.waitUntil(fact, PATIENCE);

describe('an endpoint that is down', () => {
  test('gets every span when it is back, and the log has two lines', async () => {
    const port = await freePort();
    hurrySdk();
    const { meterProvider, collect, stop } = startMeters();
    const { processor, burst } = started(otlpTraceExporter({ endpoint: `http://127.0.0.1:${port}` }), {
      meterProvider,
    });
    burst(1_000);
    await waitUntil(() => log.lines.length > 0);
    expect(processor.counts).toEqual({ exported: 0, failed: 0, dropped: 0, pending: 1_000 });
    burst(5);

    const { requests } = await server(() => 200, port);
    await processor.forceFlush();
    expect(processor.counts).toEqual({ exported: 1_005, failed: 0, dropped: 0, pending: 0 });
    expect(arrived(requests).size).toBe(1_000);
    expect(requests.flatMap(({ body }) => spansOf(body)).length).toBe(1_005);
    expect(log.lines).toEqual([`${CANNOT} (ECONNREFUSED): they are kept, and sent again`, AGAIN]);
    const [metric] = await collect();
    const points = metric?.dataPoints.map(({ attributes, value }) => [attributes['vcon.outcome'], value]);
    expect(Object.fromEntries(points ?? [])).toEqual({ exported: 1_005, retried: expect.any(Number) });
    await stop();
  });

  test('is asked by one batch at a time, until one gets through', async () => {
    let [active, mostAtFirst, mostAfter, well] = [0, 0, 0, false];
    const { endpoint, requests } = await server(async () => {
      active += 1;
      if (requests.length <= 4) mostAtFirst = Math.max(mostAtFirst, active);
      else if (!well) mostAfter = Math.max(mostAfter, active);
      for (let i = 0; i < 10; i += 1) await new Promise((resolve) => setImmediate(resolve));
      active -= 1;
      return well ? 200 : 500;
    });
    const { processor, burst } = started(otlpTraceExporter({ endpoint }));
    burst(100);
    await waitUntil(() => requests.length > 12);
    expect(mostAfter).toBe(1);
    expect(mostAtFirst).toBeGreaterThan(1);
    well = true;
    await processor.forceFlush();
    expect(processor.counts).toMatchObject({ exported: 100, failed: 0, dropped: 0 });
  });

  test('loses what no longer fits into the queue, counted, and nothing else', async () => {
    const { endpoint, recover } = await illServer(500);
    const { processor, burst } = started(otlpTraceExporter({ endpoint }), { maxQueueSize: 100 });
    burst(100);
    await waitUntil(() => log.lines.length > 0);
    burst(50);
    expect(processor.counts).toEqual({ exported: 0, failed: 0, dropped: 50, pending: 100 });
    recover();
    await processor.forceFlush();
    burst(1);
    await processor.forceFlush();
    expect(processor.counts).toEqual({ exported: 101, failed: 0, dropped: 50, pending: 0 });
  });

  test('gets one last try of everything at shutdown', async () => {
    const { endpoint, requests } = await illServer(500, 4);
    const { processor, burst } = started(otlpTraceExporter({ endpoint }), {
      retryMillis: NEVER,
      maxRetryMillis: NEVER,
    });
    burst(100);
    await waitUntil(() => log.lines.length > 0);
    await processor.shutdown();
    expect(processor.counts).toEqual({ exported: 0, failed: 100, dropped: 0, pending: 0 });
    expect(requests.length).toBe(4 + 10);
    expect(arrived(requests.slice(4)).size).toBe(100);
    expect(log.lines).toEqual([
      expect.stringContaining(`${CANNOT} (HTTP_500)`),
      'vcon-otel/exporters spans lost: 100 failed to export (last: HTTP_500)',
    ]);
  });

  test('and back at shutdown gets everything', async () => {
    const { endpoint, requests, recover } = await illServer(500, 4);
    const { processor, burst } = started(otlpTraceExporter({ endpoint }), {
      retryMillis: NEVER,
      maxRetryMillis: NEVER,
    });
    burst(100);
    await waitUntil(() => log.lines.length > 0);
    recover();
    await processor.shutdown();
    expect(processor.counts).toMatchObject({ failed: 0, dropped: 0, pending: 0 });
    expect(arrived(requests).size).toBe(100);
  });

  test.each<Answer>(['hang up', 'silence'])('with %s is not waited for at shutdown', async (ill) => {
    const { endpoint } = await illServer(ill);
    const { processor, burst } = started(otlpTraceExporter({ endpoint }), { shutdownMillis: 50 });
    burst(100);
    await processor.shutdown();
    expect(processor.counts).toEqual({ exported: 0, failed: 0, dropped: 100, pending: 0 });
    expect(log.lines).toEqual([
      'vcon-otel/exporters the span exporter did not shut down: TIMEOUT',
      'vcon-otel/exporters spans lost: 100 dropped (shut down before they were sent)',
    ]);
  });

  test('is asked at once by a flush', async () => {
    const { endpoint, requests, recover } = await illServer(500);
    const { processor, burst } = started(otlpTraceExporter({ endpoint }), {
      retryMillis: NEVER,
      maxRetryMillis: NEVER,
    });
    burst(10);
    await waitUntil(() => log.lines.length > 0);
    recover();
    await processor.forceFlush();
    expect(processor.counts).toMatchObject({ exported: 10, pending: 0 });
    expect(requests.length).toBe(2);
  });
});

test('a flush during an outage gives up after half a minute, and what it could not send is kept', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const { exporter, recover } = failingExporter(() => true, false);
  const { processor, burst } = started(exporter);
  burst(3);
  let flushed = false;
  const flush = processor.forceFlush().then(() => {
    flushed = true;
  });
  for (let seconds = 0; seconds < 30; seconds += 1) {
    expect(flushed).toBe(false);
    await vi.advanceTimersByTimeAsync(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await flush;
  expect(processor.counts).toEqual({ exported: 0, failed: 0, dropped: 0, pending: 3 });
  expect(log.lines).toContain('vcon-otel/exporters flushing spans did not finish: TIMEOUT');
  recover();
  await processor.shutdown();
  expect(processor.counts.exported).toBe(3);
});

describe('what an endpoint answers', () => {
  test.each([400, 401, 403, 404, 413, 301])('a %i is final: its spans are not sent again', async (status) => {
    const { endpoint, requests } = await illServer(status);
    const { processor, burst } = started(otlpTraceExporter({ endpoint }));
    burst(10);
    await processor.forceFlush();
    expect(processor.counts).toEqual({ exported: 0, failed: 10, dropped: 0, pending: 0 });
    expect(requests.length).toBe(1);
    await processor.shutdown();
    expect(log.lines).toEqual([`vcon-otel/exporters spans lost: 10 failed to export (last: HTTP_${status})`]);
  });

  test.each<[Answer, string]>([
    [408, 'HTTP_408'],
    [425, 'HTTP_425'],
    [429, 'HTTP_UNAVAILABLE'],
    [500, 'HTTP_500'],
    [503, 'HTTP_UNAVAILABLE'],
    [507, 'HTTP_507'],
    ['hang up', 'ECONNRESET'],
    ['silence', 'TIMEOUT'],
  ])('after %s its spans are sent again', async (answer, reason) => {
    hurrySdk();
    if (answer === 'silence') vi.stubEnv('OTEL_EXPORTER_OTLP_TIMEOUT', '500');
    const { endpoint, requests, recover } = await illServer(answer);
    const { processor, burst } = started(otlpTraceExporter({ endpoint }));
    burst(10);
    await waitUntil(() => log.lines.length > 0);
    recover();
    await processor.forceFlush();
    expect(processor.counts).toEqual({ exported: 10, failed: 0, dropped: 0, pending: 0 });
    expect(arrived(requests).size).toBe(10);
    expect(log.lines).toEqual([`${CANNOT} (${reason}): they are kept, and sent again`, AGAIN]);
  });

  test('a 503 with Retry-After is not asked again before that', async () => {
    const times: number[] = [];
    const { endpoint } = await server(() => {
      times.push(performance.now());
      return times.length > 1 ? 200 : { status: 503, headers: { 'retry-after': '1' } };
    });
    const { processor, burst } = started(otlpTraceExporter({ endpoint }));
    burst(10);
    await processor.forceFlush();
    expect(processor.counts).toMatchObject({ exported: 10, failed: 0 });
    expect(times.length).toBe(2);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(990);
  });
});

/** Takes what it is not told to fail, with an error that may pass or another. */
function failingExporter(fails: (spans: readonly ReadableSpan[]) => boolean, permanent?: boolean) {
  let well = false;
  let tries = 0;
  const exporter: SpanExporter = {
    export(spans: ReadableSpan[], done: (result: ExportResult) => void) {
      tries += 1;
      if (well || !fails(spans)) return done({ code: ExportResultCode.SUCCESS });
      const error =
        permanent === undefined ? new Error('canary') : new DeliveryError('canary', { permanent });
      return done({ code: ExportResultCode.FAILED, error });
    },
    shutdown: async () => {},
  };
  return {
    exporter,
    tries: () => tries,
    recover() {
      well = true;
    },
  };
}

describe('an exporter of any kind', () => {
  test('holds up no other batch with one that it never takes', async () => {
    const { exporter, tries } = failingExporter(
      (spans) => spans.some(({ name }) => name === 'link.0'),
      false,
    );
    const { processor, burst } = started(exporter);
    burst(100);
    await waitUntil(() => processor.counts.exported === 90 && tries() > 12);
    expect(processor.counts).toMatchObject({ failed: 0, dropped: 0, pending: 10 });
    await processor.shutdown();
    expect(processor.counts).toEqual({ exported: 90, failed: 10, dropped: 0, pending: 0 });
  });

  test.each([true, undefined])('is asked once where its error has permanent: %s', async (permanent) => {
    const { exporter, tries } = failingExporter(() => true, permanent);
    const { processor, burst } = started(exporter);
    burst(20);
    await processor.forceFlush();
    expect(processor.counts).toEqual({ exported: 0, failed: 20, dropped: 0, pending: 0 });
    expect(tries()).toBe(2);
  });

  test('that does not answer in time is asked again', async () => {
    let tries = 0;
    const exporter: SpanExporter = {
      export(_, done) {
        tries += 1;
        if (tries > 1) done({ code: ExportResultCode.SUCCESS });
      },
      shutdown: async () => {},
    };
    const { processor, burst } = started(exporter, { exportTimeoutMillis: 20 });
    burst(10);
    await processor.forceFlush();
    expect(processor.counts).toEqual({ exported: 10, failed: 0, dropped: 0, pending: 0 });
    expect(tries).toBe(2);
  });
});

test('a minute of 2,200 spans a second has room by default', async () => {
  const processor = batchSpans({ export: () => {}, shutdown: async () => {} }, { shutdownMillis: 1 });
  const span = new TracerProvider().getTracer('test').startSpan('link.a') as unknown as ReadableSpan;
  for (let i = 0; i < 132_000; i += 1) processor.onEnd(span);
  expect(processor.counts).toMatchObject({ dropped: 0, pending: 132_000 });
  await processor.shutdown();
});
