import { join } from 'node:path';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { detectResources, resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { expect, test } from 'vitest';
import { createTracer, isSpanProcessor } from '../../src/delivery/create-tracer.ts';
import { BoundedSpanProcessor, batchSpans } from '../../src/exporters/bounded-span-processor.ts';
import { builtSpans } from '../../src/exporters/built-spans.ts';
import { ExportError } from '../../src/exporters/export-error.ts';
import { SpanLog } from '../../src/exporters/span-log/span-log.ts';
import { sqliteJournal } from '../../src/journal/sqlite.ts';
import { systemClock } from '../../src/model/clock.ts';
import { emptyVconStore as vcons } from '../../src/model/vcon.ts';
import { type Delivery, deliver } from '../assembly/deliveries.ts';
import { type HarnessSettings, openHarness } from '../assembly/harness.ts';
import { millis, Passage } from '../assembly/passage.ts';
import { crashed, temporaryPath } from '../journal/temporary-journal.ts';
import { eventContext } from '../tracers/started.ts';

const plans = { main: { links: ['a', 'b'], storages: ['s1'] } };
const resource = resourceFromAttributes({ 'service.name': 'conserver' });

const away = new ExportError('nobody is there', 'ECONNREFUSED', { permanent: false });

/** An exporter that keeps what it is given, after it has failed some times. */
function exporterFailing(times = 0) {
  const spans: ReadableSpan[] = [];
  let failures = times;
  const exporter: SpanExporter = {
    export(batch: ReadableSpan[], done: (result: ExportResult) => void) {
      failures -= 1;
      if (failures >= 0) return done({ code: ExportResultCode.FAILED, error: away });
      spans.push(...batch);
      return done({ code: ExportResultCode.SUCCESS });
    },
    shutdown: async () => {},
  };
  return { exporter, spans };
}

const batching = { scheduledDelayMillis: 1, retryMillis: 1, maxRetryMillis: 1 };

async function open(batch: BoundedSpanProcessor, settings: HarnessSettings = {}, of = resource) {
  const tracers = [{ name: 'exporters.test', module: builtSpans(batch, of) }];
  return openHarness({ plans, settle: 10, tracers, ...settings });
}

const bare = (passage = new Passage()): Delivery[] => [
  passage.bareRecord(-1, 'V'),
  passage.bareRecord(0, 'V'),
  passage.bareRecord(1, 'V', 'N'),
];

async function built(deliveries: readonly Delivery[], failures = 0) {
  const { exporter, spans } = exporterFailing(failures);
  const batch = batchSpans(exporter, batching);
  const harness = await open(batch);
  deliver(harness.assembly, deliveries);
  await harness.settled();
  await harness.close();
  await batch.forceFlush();
  await batch.shutdown();
  return spans;
}

const inShort = (spans: readonly ReadableSpan[]) =>
  spans.map((span) => {
    const { traceId, spanId } = span.spanContext();
    return `${span.name} ${traceId} ${spanId} ${span.parentSpanContext?.spanId}`;
  });

test('a run of which only records tell becomes spans: links below their chain, in one trace', async () => {
  const spans = await built(bare());
  expect(spans.map(({ name }) => name)).toEqual(['link.a', 'link.b', 'vcon_processing.main']);
  const chain = spans[2];
  expect(chain?.parentSpanContext).toBeUndefined();
  expect(new Set(spans.map((span) => span.spanContext().traceId)).size).toBe(1);
  for (const link of spans.slice(0, 2))
    expect(link.parentSpanContext?.spanId).toBe(chain?.spanContext().spanId);
  expect(spans.map(({ kind, status }) => [kind, status.code])).toEqual(
    Array.from({ length: 3 }, () => [SpanKind.INTERNAL, SpanStatusCode.UNSET]),
  );
});

test('they begin and end when tracers were called', async () => {
  const spans = await built(bare());
  const times = spans.map(({ startTime, endTime }) =>
    [startTime, endTime].map(([seconds, nanos]) => Math.round(seconds * 1e3 + nanos / 1e6) - millis(0)),
  );
  expect(times).toEqual([
    [12, 24],
    [24, 44],
    [12, 44],
  ]);
});

test('they say what ours say, and what of it was concluded', async () => {
  const [, second, chain] = await built(bare());
  expect(second?.attributes).toMatchObject({
    vcon_id: 'V',
    chain_name: 'main',
    link_name: 'b',
    link_index: 1,
    'vcon.out_uuid': 'N',
  });
  expect(second?.attributes['vcon.inferred']).toContain('span');
  expect(chain?.attributes).toMatchObject({
    'vcon.chain.links': ['a', 'b'],
    'vcon.chain.outcome': 'unknown',
  });
});

test('a storage is the peer of its span, as where it is recorded live', async () => {
  const { exporter, spans } = exporterFailing();
  const batch = batchSpans(exporter, batching);
  const tracer = createTracer({ name: 'exporters.test', module: builtSpans(batch, resource) }, { vcons });
  if (isSpanProcessor(tracer)) throw new Error('it is a SpanProcessor');
  const saved = eventContext({
    stage: 'storage',
    phase: 'complete',
    storage: 's1',
    outcome: 'success',
    inferred: ['span'],
  });
  await tracer.tracer.trace?.(saved.inVconUuid, 'storage_complete', {}, saved);
  await batch.forceFlush();
  await batch.shutdown();
  expect(spans.map(({ name, kind, attributes }) => [name, kind, attributes['peer.service']])).toEqual([
    ['storage.s1', SpanKind.CLIENT, 's1'],
  ]);
});

test('the same records always make the same ids', async () => {
  expect(inShort(await built(bare()))).toEqual(inShort(await built(bare())));
  const other = await built(bare(new Passage({ pid: 8 })));
  expect(new Set(inShort([...(await built(bare())), ...other])).size).toBe(6);
});

test('no span is built of a run that somebody has recorded', async () => {
  const main = new Passage();
  const records = [-1, 0, 1].map((index) => main.record(index));
  const spans = [main.link(0), main.link(1), main.chain()];
  expect(await built([...records, ...spans])).toEqual([]);
  expect(await built(spans)).toEqual([]);
});

test('an exporter that fails is tried again, and gets each span', async () => {
  const spans = await built(bare(), 3);
  expect(inShort(spans).toSorted()).toEqual(inShort(await built(bare())).toSorted());
});

test('a process that goes on after a crash sends what was built before it, and builds the rest', async () => {
  const path = temporaryPath();
  const folder = join(temporaryPath(), 'log');
  const expected = inShort(await built(bare()));
  const openLog = () => SpanLog.open({ folder, retention: 60_000, maxSize: 1e6, clock: systemClock });
  const first = exporterFailing(Number.POSITIVE_INFINITY);
  const journal = await sqliteJournal({ path });
  const before = new BoundedSpanProcessor(first.exporter, batching, await openLog());
  const harness = await open(before, { journal });
  deliver(harness.assembly, bare().slice(0, 2));
  await harness.heard();
  await harness.durable();
  const copy = crashed(path);
  await harness.close();
  await journal.close();
  await before.shutdown();

  const second = exporterFailing();
  const next = await sqliteJournal({ path: copy });
  const after = new BoundedSpanProcessor(second.exporter, batching, await openLog());
  const later = await open(after, { journal: next });
  deliver(later.assembly, bare());
  await later.settled();
  await later.close();
  await next.close();
  await after.forceFlush();
  await after.shutdown();
  expect(first.spans).toEqual([]);
  expect([...new Set(inShort(second.spans))].toSorted()).toEqual(expected.toSorted());
});

test('no span is exported before all is known of the resource', async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const { exporter, spans } = exporterFailing();
  const slow = detectResources({ detectors: [{ detect: () => ({ attributes: { 'host.id': promise } }) }] });
  const batch = batchSpans(exporter, batching);
  const harness = await open(batch, {}, slow);
  deliver(harness.assembly, bare());
  await expect.poll(() => harness.calls.length).toBeGreaterThan(3);
  expect(spans).toEqual([]);
  resolve('h1');
  await harness.settled();
  await batch.forceFlush();
  expect(spans.map(({ resource }) => resource.attributes['host.id'])).toEqual(['h1', 'h1', 'h1']);
  await harness.close();
});
