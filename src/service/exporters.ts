import type { MeterProvider } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { MetricReader } from '@opentelemetry/sdk-metrics';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { TracerEntry } from '../bridge/create-tracer.ts';
import type { LoadedConfig } from '../config.ts';
import {
  type BoundedSpanProcessor,
  batchSpans,
  builtSpans,
  otlpFileExporter,
  otlpMetricReader,
  otlpTraceExporter,
  startPrometheus,
} from '../exporters/index.ts';
import { hasReceivers } from './receivers.ts';

/** Milliseconds for the last spans: with an endpoint that is down, they run out. */
const LAST_SPANS = 5_000;

export interface NamedBatch {
  readonly name: string;
  readonly batch: BoundedSpanProcessor;
}

/** What reads the metrics, and where Prometheus scrapes. */
export interface Readers {
  readonly readers: MetricReader[];
  readonly prometheusUrl: string | undefined;
  close(): Promise<void>;
}

/** @throws VconOtelError `ADDRESS_UNAVAILABLE` */
export async function openReaders({ config, otlp, environment }: LoadedConfig): Promise<Readers> {
  const readers: MetricReader[] = [];
  const { prometheus, otlp: { headers } = {} } = config.exporters;
  const endpoint = prometheus && (await startPrometheus(prometheus));
  if (endpoint) readers.push(endpoint.reader);
  const { metricExportIntervalMillis: intervalMillis } = environment;
  if (otlp.metrics)
    readers.push(
      otlpMetricReader({
        url: otlp.metrics,
        ...(headers && { headers }),
        ...(intervalMillis && { intervalMillis }),
      }),
    );
  return { readers, prometheusUrl: endpoint?.url, close: async () => endpoint?.close() };
}

/** What sends spans to each exporter. */
export function openBatches(loaded: LoadedConfig, meterProvider: MeterProvider): NamedBatch[] {
  const settings = { ...loaded.environment.batch, meterProvider, shutdownMillis: LAST_SPANS };
  return exportersOf(loaded).map(
    ({ name, exporter }): NamedBatch => ({ name, batch: batchSpans(exporter, settings) }),
  );
}

/** Names of the tracers that {@link exportBuiltSpans} makes; no configuration can have them. */
const BUILT = 'exporters.';

/** Exports the spans of runs that only records told of, one tracer for each exporter. */
export function exportBuiltSpans(loaded: LoadedConfig, resource: Resource): TracerEntry[] {
  if (!hasReceivers(loaded)) return [];
  return exportersOf(loaded).map(({ name, exporter }) => ({
    name: BUILT + name,
    module: builtSpans(exporter, resource),
  }));
}

function exportersOf({ config, otlp }: LoadedConfig): { name: string; exporter: SpanExporter }[] {
  const { otlp_file: file, otlp: { headers } = {} } = config.exporters;
  return [
    ...(otlp.traces
      ? [{ name: 'otlp', exporter: otlpTraceExporter({ url: otlp.traces, ...(headers && { headers }) }) }]
      : []),
    ...(file ? [{ name: 'otlp_file', exporter: otlpFileExporter(file) }] : []),
  ];
}
