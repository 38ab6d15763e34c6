import type { MeterProvider, ObservableResult } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { LoadedConfig } from '../config/load-config.ts';
import type { LoadedTracer } from '../delivery/create-tracer.ts';
import { BoundedSpanProcessor, builtSpans, SpanLog, spanLogFolder } from '../exporters/index.ts';
import type { Beside, Journal } from '../journal/journal.ts';
import { systemClock } from '../model/clock.ts';
import { ATTR, METRIC, type MetricDescription, SCOPE_NAME } from '../model/semconv.ts';
import type { Ends } from './ends.ts';
import type { Output } from './exporters.ts';
import { placeOfExporter } from './places.ts';

/** Which part of the time for ending the last spans have: with an endpoint that is down it runs out, and what keeps them is to be closed in time. */
const LAST_SPANS_SHARE = 0.15;

/** What sends spans to an exporter that takes them. */
export interface NamedBatch {
  /** The exporter's. */
  readonly name: string;
  readonly batch: BoundedSpanProcessor;
}

/**
 * Opens what sends spans to each exporter that takes them. With a journal on the disk, spans are beside it until they are sent.
 * @throws VconOtelError `FILE_UNUSABLE`
 */
export async function openSpansOut(
  { config, environment }: LoadedConfig,
  { exporters, meterProvider }: Pick<Output, 'exporters' | 'meterProvider'>,
  { beside }: Pick<Journal, 'beside'>,
  ends: Ends,
): Promise<NamedBatch[]> {
  const settings = {
    ...environment.batch,
    meterProvider,
    shutdownMillis: LAST_SPANS_SHARE * config.shutdown_timeout,
  };
  const open = async (name: string, spans: SpanExporter): Promise<NamedBatch> => {
    const batch = new BoundedSpanProcessor(spans, settings, beside && (await openLog(name, beside)));
    ends.add(`spans to ${name}`, () => batch.shutdown());
    return { name, batch };
  };
  const batches: NamedBatch[] = [];
  for (const { name, exporter } of exporters)
    if (exporter.spans) batches.push(await open(name, exporter.spans));
  measure(batches, meterProvider);
  return batches;
}

function openLog(name: string, { folder, retention, maxSize }: Beside): Promise<SpanLog> {
  return SpanLog.open({ folder: spanLogFolder(folder, name), retention, maxSize, clock: systemClock });
}

/** Exports the spans of runs that only records told of, one tracer for each exporter. */
export function exportBuiltSpans(batches: readonly NamedBatch[], resource: Resource): LoadedTracer[] {
  // What cannot be kept now can be kept when the disk is well again.
  const delivery = { retry: { maxElapsedTime: 0 } };
  return batches.map(({ name, batch }) => ({
    name: placeOfExporter(name),
    module: builtSpans(batch, resource),
    delivery,
  }));
}

function measure(batches: readonly NamedBatch[], provider: MeterProvider): void {
  const meter = provider.getMeter(SCOPE_NAME);
  const gauge = (metric: MetricDescription, value: (batch: BoundedSpanProcessor) => number | undefined) => {
    const { name, unit, description } = metric;
    meter.createObservableGauge(name, { unit, description }).addCallback((result: ObservableResult) => {
      for (const { name: exporter, batch } of batches) {
        const found = value(batch);
        if (found !== undefined) result.observe(found, { [ATTR.exporterName]: exporter });
      }
    });
  };
  gauge(METRIC.exporterPending, ({ counts }) => counts.pending);
  gauge(METRIC.exporterOldestAge, ({ oldestAge }) => oldestAge);
}
