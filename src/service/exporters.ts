import type { Resource } from '@opentelemetry/resources';
import { MeterProvider, type MetricReader } from '@opentelemetry/sdk-metrics';
import type { LoadedConfig } from '../config/load-config.ts';
import { type IsConfigured, joinedReader, OwnDurations, takesBuckets } from '../exporters/index.ts';
import { VconOtelError } from '../model/error.ts';
import type { Exporter } from '../model/exporter.ts';
import { exportersOf } from './components.ts';
import type { Ends } from './ends.ts';
import { makeComponent, soundComponent } from './make-component.ts';
import { measureProcess } from './process-metrics.ts';

/** Milliseconds for the last metrics: with an endpoint that is down, they run out. */
const LAST_METRICS = 2_000;

/** What takes spans and metrics out of the process. */
export interface Output {
  readonly exporters: readonly OpenExporter[];
  readonly meterProvider: MeterProvider;
  /** Where durations go; undefined: to instruments of the provider, since a reader wants them in a form of its own. */
  readonly durations: OwnDurations | undefined;
}

/** An exporter that was made. */
export interface OpenExporter {
  readonly name: string;
  readonly exporter: Exporter;
  /** What to say of it, a line each. */
  readonly lines: readonly string[];
}

/**
 * Opens all ways out: the exporters that a configuration names, and what reads metrics for the admin server.
 * @throws VconOtelError as {@link openExporters}
 */
export async function openOutput(
  loaded: LoadedConfig,
  resource: Resource,
  adminReaders: readonly MetricReader[],
  isConfigured: IsConfigured,
  ends: Ends,
): Promise<Output> {
  const exporters = await openExporters(loaded);
  ends.add('exporters', () => Promise.all(exporters.map(({ exporter }) => exporter.close?.())));
  const readers = [...adminReaders, ...exporters.flatMap(({ exporter }) => exporter.metrics ?? [])];
  const durations = readers.every(takesBuckets) ? new OwnDurations(isConfigured) : undefined;
  const meterProvider = new MeterProvider({
    resource,
    readers: durations ? readers.map((reader) => joinedReader(reader, durations)) : readers,
  });
  if (readers.length > 0) ends.add('process metrics', measureProcess(meterProvider));
  ends.add('metrics', () => meterProvider.shutdown({ timeoutMillis: LAST_METRICS }));
  return { exporters, meterProvider, durations };
}

/**
 * Makes the exporters that a configuration names, or none: where one cannot be made, those made before it are closed.
 * @throws VconOtelError `ADDRESS_UNAVAILABLE`, `FILE_UNUSABLE`, and as {@link soundComponent} and {@link makeComponent}
 */
async function openExporters(loaded: LoadedConfig): Promise<OpenExporter[]> {
  const { metricExportIntervalMillis } = loaded.environment;
  const made: OpenExporter[] = [];
  try {
    for (const named of exportersOf(loaded)) {
      const { definition, options } = await soundComponent(named);
      const host = { name: named.name, metricExportIntervalMillis };
      const exporter = await makeComponent(named.path, () => definition.create(options, host));
      requireOffer(exporter, `${named.path}.module`);
      const lines = described(() => definition.describe?.(options, exporter)) ?? [named.title];
      made.push({ name: named.name, exporter, lines });
    }
    return made;
  } catch (error) {
    await Promise.allSettled(
      made.flatMap(({ exporter }) => [exporter.spans?.shutdown(), exporter.close?.()]),
    );
    throw error;
  }
}

/** Words for a person must not be what a start fails at. */
function described(describe: () => readonly string[] | undefined): readonly string[] | undefined {
  try {
    return describe();
  } catch {
    return undefined;
  }
}

/** @throws VconOtelError `MODULE_INVALID` */
function requireOffer(exporter: Exporter | undefined, path: string): void {
  if (exporter?.spans || exporter?.metrics) return;
  const message = `${path}: create() made no exporter of spans or metrics`;
  throw new VconOtelError('MODULE_INVALID', message, { path });
}
