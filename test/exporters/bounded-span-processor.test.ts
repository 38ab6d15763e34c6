import { join } from 'node:path';
import { ExportResultCode } from '@opentelemetry/core';
import {
  AlwaysOffSampler,
  createAlwaysRecordSampler,
  InMemorySpanExporter,
  type SpanExporter,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BatchSettings } from '../../src/exporters/batch-settings.ts';
import { BoundedSpanProcessor, batchSpans } from '../../src/exporters/bounded-span-processor.ts';
import { ExportError } from '../../src/exporters/export-error.ts';
import { otlpTraceExporter } from '../../src/exporters/otlp/otlp-http.ts';
import { SpanLog } from '../../src/exporters/span-log/span-log.ts';
import { systemClock } from '../../src/model/clock.ts';
import { PATIENCE } from '../support/eventually.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { startMeters } from './collected.ts';
import { type Answer, spansOf, startOtlpServer } from './otlp-server.ts';
import { recordLog } from './recorded-log.ts';

let log: ReturnType<typeof recordLog>;
beforeEach(() => {
  log = recordLog();
});
afterEach(() => log.stop());

/** A provider whose spans go through the processor. */
function started(exporter: SpanExporter, settings: BatchSettings = {}) {
  const processor = batchSpans(exporter, settings);
  const provider = new TracerProvider({ spanProcessors: [processor] });
  return { processor, burst: (spans: number) => burst(provider, spans) };
}

function burst(provider: TracerProvider, spans: number): void {
  const tracer = provider.getTracer('test');
  for (let i = 0; i < spans; i += 1) tracer.startSpan(`link.${i}`).end();
}

/** An exporter that keeps its callbacks until it is told to call them. */
function heldExporter() {
  const held: (() => void)[] = [];
  let shutdowns = 0;
  const exporter: SpanExporter = {
    export: (_, callback) => void held.push(() => callback({ code: ExportResultCode.SUCCESS })),
    shutdown: async () => {
      shutdowns += 1;
    },
  };
  return { exporter, held, shutdowns: () => shutdowns };
}

async function overHttp(answer: () => Answer | Promise<Answer>, spans: number, settings?: BatchSettings) {
  const server = await startOtlpServer(answer, '{"message":"canary in the body"}');
  const { processor, burst } = started(otlpTraceExporter({ endpoint: server.endpoint }), settings);
  burst(spans);
  await processor.forceFlush();
  await processor.shutdown();
  await server.close();
  return { counts: processor.counts, requests: server.requests, endpoint: server.endpoint };
}

describe('over HTTP', () => {
  test('a burst of 10,000 spans in one tick reaches a slow server whole', async () => {
    let before = Promise.resolve();
    // Answers one request after another, each a few turns of the event loop after it came.
    const slowly = async (): Promise<Answer> => {
      const turn = before.then(async () => {
        for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
      });
      before = turn;
      await turn;
      return 200;
    };
    const { counts, requests } = await overHttp(slowly, 10_000);
    expect(counts).toEqual({ exported: 10_000, failed: 0, dropped: 0, pending: 0 });
    const ids = requests.flatMap(({ body }) => spansOf(body).map(({ spanId }) => spanId));
    expect(new Set(ids).size).toBe(10_000);
    expect(ids.length).toBe(10_000);
    expect(log.lines).toEqual([]);
  });

  test('a full queue can be flushed however small the batches are', async () => {
    const { counts, requests } = await overHttp(() => 200, 2_000, {
      maxQueueSize: 2_000,
      maxExportBatchSize: 20,
    });
    expect(counts).toEqual({ exported: 2_000, failed: 0, dropped: 0, pending: 0 });
    expect(requests.length).toBe(100);
  });

  test('spans that a server refuses count as failed, with one log line that tells no address and no body', async () => {
    const { counts, endpoint } = await overHttp(() => 400, 10_000);
    expect(counts).toEqual({ exported: 0, failed: 10_000, dropped: 0, pending: 0 });
    expect(log.lines).toEqual(['vcon-otel/exporters spans lost: 10000 failed to export (last: HTTP_400)']);
    expect(log.lines.join()).not.toContain(new URL(endpoint).host);
  });
});

describe('bounds', () => {
  test('a burst beyond the queue is dropped and counted exactly', async () => {
    const { exporter, held } = heldExporter();
    const { processor, burst } = started(exporter, { maxQueueSize: 1_000, maxExportBatchSize: 100 });
    burst(1_234);
    expect(processor.counts).toEqual({ exported: 0, failed: 0, dropped: 234, pending: 1_000 });
    const flushed = processor.forceFlush();
    await expect.poll(() => held.length).toBe(4);
    burst(1);
    expect(processor.counts.dropped).toBe(235);
    while (processor.counts.pending > 0) {
      for (const finish of held.splice(0)) finish();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await flushed;
    expect(processor.counts).toEqual({ exported: 1_000, failed: 0, dropped: 235, pending: 0 });
    await processor.shutdown();
    expect(log.lines).toEqual(['vcon-otel/exporters spans lost: 235 dropped (the queue was full)']);
  });

  test('a batch size larger than the queue is cut to the queue', async () => {
    const exporter = new InMemorySpanExporter();
    const { processor, burst } = started(exporter, { maxQueueSize: 10 });
    burst(10);
    await processor.forceFlush();
    expect(processor.counts.exported).toBe(10);
    await processor.shutdown();
    expect(log.lines).toEqual([]);
  });

  test('what is pending when shutdown runs out of time counts as dropped, and the exporter is shut down', async () => {
    const { exporter, held, shutdowns } = heldExporter();
    const { processor, burst } = started(exporter, { maxExportBatchSize: 10, shutdownMillis: 20 });
    burst(100);
    await processor.shutdown();
    expect(processor.counts).toEqual({ exported: 0, failed: 0, dropped: 100, pending: 0 });
    for (const finish of held) finish();
    expect(processor.counts).toEqual({ exported: 0, failed: 0, dropped: 100, pending: 0 });
    await expect.poll(shutdowns).toBe(1);
  });
});

describe('isolation', () => {
  test('an exporter that throws loses its batch and nothing else', async () => {
    const exporter: SpanExporter = {
      export: () => {
        throw new TypeError('canary');
      },
      shutdown: () => Promise.reject(new RangeError('canary')),
    };
    const { processor, burst } = started(exporter);
    burst(3);
    await processor.forceFlush();
    await processor.shutdown();
    expect(processor.counts).toEqual({ exported: 0, failed: 3, dropped: 0, pending: 0 });
    expect(log.lines).toEqual([
      'vcon-otel/exporters the span exporter did not shut down: RangeError',
      'vcon-otel/exporters spans lost: 3 failed to export (last: TypeError)',
    ]);
  });

  test('an answer that comes twice counts once', async () => {
    const exporter: SpanExporter = {
      export: (_, callback) => {
        callback({ code: ExportResultCode.SUCCESS });
        callback({ code: ExportResultCode.FAILED });
      },
      shutdown: async () => {},
    };
    const { processor, burst } = started(exporter);
    burst(5);
    await processor.forceFlush();
    expect(processor.counts).toEqual({ exported: 5, failed: 0, dropped: 0, pending: 0 });
    await processor.shutdown();
  });

  test('shutdown is safe twice, and spans that end after it are counted as dropped', async () => {
    const exporter = new InMemorySpanExporter();
    const { processor, burst } = started(exporter);
    burst(2);
    await Promise.all([processor.shutdown(), processor.shutdown()]);
    await processor.forceFlush();
    burst(1);
    expect(processor.counts).toEqual({ exported: 2, failed: 0, dropped: 1, pending: 0 });
  });
});

test('spans that are not sampled are neither exported nor counted', async () => {
  const exporter = new InMemorySpanExporter();
  const processor = batchSpans(exporter);
  const provider = new TracerProvider({
    sampler: createAlwaysRecordSampler(new AlwaysOffSampler()),
    spanProcessors: [processor],
  });
  burst(provider, 3);
  await processor.forceFlush();
  expect(exporter.getFinishedSpans()).toEqual([]);
  expect(processor.counts).toEqual({ exported: 0, failed: 0, dropped: 0, pending: 0 });
  await processor.shutdown();
});

test('two processors add up in the metric vcon.exporter.spans', async () => {
  const { meterProvider, collect, stop } = startMeters();
  const processors = [1, 2].map(() =>
    started(new InMemorySpanExporter(), { meterProvider, maxQueueSize: 4 }),
  );
  for (const { burst } of processors) burst(5);
  for (const { processor } of processors) await processor.shutdown();
  const [metric] = await collect();
  expect(metric?.descriptor).toMatchObject({ name: 'vcon.exporter.spans', unit: '{span}' });
  const points = metric?.dataPoints.map(({ attributes, value }) => [attributes['vcon.outcome'], value]);
  expect(Object.fromEntries(points ?? [])).toEqual({ exported: 8, dropped: 2 });
  await stop();
});

describe('with a log on the disk', () => {
  async function kept(exporter: SpanExporter, folder: string, settings: BatchSettings = {}) {
    const log = await SpanLog.open({ folder, retention: 60_000, maxSize: 1e8, clock: systemClock });
    const quick = { scheduledDelayMillis: 1, retryMillis: 1, maxRetryMillis: 5, ...settings };
    const processor = new BoundedSpanProcessor(exporter, quick, log);
    const provider = new TracerProvider({ spanProcessors: [processor] });
    return { processor, log, burst: (spans: number) => burst(provider, spans) };
  }

  /** An exporter that is away until it is told otherwise. */
  function distantExporter() {
    const ids: string[] = [];
    let isAway = true;
    const exporter: SpanExporter = {
      export: (spans, callback) => {
        if (isAway) {
          callback({ code: ExportResultCode.FAILED, error: new ExportError('away', 'ECONNREFUSED') });
          return;
        }
        ids.push(...spans.map((span) => span.spanContext().spanId));
        callback({ code: ExportResultCode.SUCCESS });
      },
      shutdown: async () => {},
    };
    return {
      exporter,
      ids,
      back: () => {
        isAway = false;
      },
    };
  }

  test('more spans than memory takes wait for an endpoint, and each is sent once', async () => {
    const { exporter, ids, back } = distantExporter();
    const {
      processor,
      log: spanLog,
      burst,
    } = await kept(exporter, join(temporaryFolder(), 'beside', 'log'), {
      maxQueueSize: 100,
      maxExportBatchSize: 50,
    });
    for (let i = 0; i < 20; i += 1) {
      burst(250);
      await spanLog.durable();
    }
    expect(processor.counts).toEqual({ exported: 0, failed: 0, dropped: 0, pending: 5_000 });
    expect(processor.oldestAge).toBeGreaterThan(0);
    back();
    await expect.poll(() => processor.counts.exported, PATIENCE).toBe(5_000);
    burst(10);
    await processor.forceFlush();
    expect(processor.counts).toEqual({ exported: 5_010, failed: 0, dropped: 0, pending: 0 });
    expect(processor.oldestAge).toBe(0);
    expect([ids.length, new Set(ids).size]).toEqual([5_010, 5_010]);
    await processor.shutdown();
  });

  test('what could not be sent before shutdown is neither lost nor failed: the next process sends it', async () => {
    const folder = join(temporaryFolder(), 'beside', 'log');
    const { exporter, ids, back } = distantExporter();
    const first = await kept(exporter, folder);
    first.burst(1_000);
    await first.processor.shutdown();
    expect(first.processor.counts).toEqual({ exported: 0, failed: 0, dropped: 0, pending: 1_000 });
    back();
    const second = await kept(exporter, folder);
    await expect.poll(() => second.processor.counts.exported, PATIENCE).toBe(1_000);
    await second.processor.shutdown();
    expect(new Set(ids).size).toBe(1_000);
    expect(ids.length).toBe(1_000);
    const third = await kept(exporter, folder);
    expect(third.processor.counts).toEqual({ exported: 0, failed: 0, dropped: 0, pending: 0 });
    await third.processor.shutdown();
  });

  test('what an endpoint refuses for good is not sent again by the next process', async () => {
    const folder = join(temporaryFolder(), 'beside', 'log');
    const refuse: SpanExporter = {
      export: (_, callback) =>
        callback({
          code: ExportResultCode.FAILED,
          error: new ExportError('no', 'HTTP_400', { permanent: true }),
        }),
      shutdown: async () => {},
    };
    const { processor, burst } = await kept(refuse, folder);
    burst(30);
    await processor.forceFlush();
    expect(processor.counts).toEqual({ exported: 0, failed: 30, dropped: 0, pending: 0 });
    await processor.shutdown();
    const next = await kept(refuse, folder);
    expect(next.processor.counts.pending).toBe(0);
    await next.processor.shutdown();
  });
});
