import type { MetricReader } from '@opentelemetry/sdk-metrics';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { z } from 'zod';
import type { Component } from './component.ts';

/** What code hands to an exporter (options are what the user wrote). */
export interface ExporterHost {
  /** The exporter's name in the configuration. */
  readonly name: string;
  /** Milliseconds between two exports of metrics, where `OTEL_METRIC_EXPORT_INTERVAL` says so. */
  readonly metricExportIntervalMillis: number | undefined;
}

/** What an exporter offers: one of the first two, or both. */
export interface Exporter {
  /**
   * Gets the sampled spans, in batches, and those that are built of runs which were told from outside. It need not try
   * again: a batch that fails with a `DeliveryError` is sent again, unless that says `permanent: true`. Any other error is
   * final. It is shut down after the last span.
   */
  readonly spans?: SpanExporter;
  /** Reads the metrics, whenever it likes. It is shut down after the last value. */
  readonly metrics?: MetricReader;
  /** Where the metrics can be scraped, if they can. */
  readonly scrapeUrl?: string;
  /** Releases what the shutdown of the others does not. Also called where a start fails. Safe twice. */
  close?(): Promise<void>;
}

/** An exporter as a module: its options and how it is made. */
export interface ExporterDefinition<Schema extends z.ZodType = z.ZodType>
  extends Component<Schema, ExporterHost, Exporter | Promise<Exporter>> {
  /** What to say of it once the service has started: a line each, such as `OTLP traces to http://127.0.0.1:4318`; no secrets. */
  describe?(options: z.output<Schema>, exporter: Exporter): readonly string[];
}

/** Types an exporter definition; it is the default export of an exporter's module. */
export function defineExporter<Schema extends z.ZodType>(
  definition: ExporterDefinition<Schema>,
): ExporterDefinition<Schema> {
  return definition;
}
