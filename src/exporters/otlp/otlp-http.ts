import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import {
  AggregationTemporalityPreference,
  OTLPMetricExporter,
} from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  type MetricReader,
  PeriodicExportingMetricReader,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { errorType, VconOtelError } from '../../model/error.ts';
import { isRetriedStatus } from '../../outgoing/retried-status.ts';
import { ExportError } from '../export-error.ts';
import { under } from './urls.ts';

/**
 * Where OTLP/HTTP goes: a base URL, to which `/v1/traces` or `/v1/metrics` is appended, or the full URL of one
 * signal, used as it is (OpenTelemetry Protocol Exporter specification, endpoint URLs for OTLP/HTTP).
 */
export type OtlpSettings = ({ readonly endpoint: string } | { readonly url: string }) & {
  readonly headers?: Readonly<Record<string, string>>;
};

/**
 * Exports spans as OTLP JSON over HTTP.
 * @throws VconOtelError `CONFIG_INVALID` for a URL that is not http(s)
 */
export function otlpTraceExporter(settings: OtlpSettings): SpanExporter {
  return new TraceExporter({ url: signalUrl(settings, 'v1/traces'), headers: { ...settings.headers } });
}

/**
 * Exports metrics as OTLP JSON over HTTP, cumulative, every minute unless `intervalMillis` says otherwise.
 * @throws VconOtelError `CONFIG_INVALID` for a URL that is not http(s)
 */
export function otlpMetricReader(
  settings: OtlpSettings & { readonly intervalMillis?: number },
): MetricReader {
  const { intervalMillis = 60_000 } = settings;
  return new PeriodicExportingMetricReader({
    exporter: new MetricExporter({
      url: signalUrl(settings, 'v1/metrics'),
      headers: { ...settings.headers },
      temporalityPreference: AggregationTemporalityPreference.CUMULATIVE,
    }),
    exportIntervalMillis: intervalMillis,
    exportTimeoutMillis: Math.min(intervalMillis, 30_000),
  });
}

class TraceExporter extends OTLPTraceExporter {
  override export(spans: ReadableSpan[], resultCallback: (result: ExportResult) => void): void {
    super.export(spans, (result) => resultCallback(withoutDetails(result)));
  }
}

class MetricExporter extends OTLPMetricExporter {
  override export(data: ResourceMetrics, resultCallback: (result: ExportResult) => void): void {
    super.export(data, (result) => resultCallback(withoutDetails(result)));
  }
}

/**
 * The SDK's errors carry the address and the response body, and end up in a log: only a code goes on. A refusal is told by
 * its status; anything else says that the endpoint is not well. The SDK itself tries again what may pass, and honours
 * `Retry-After`, for as long as its timeout lets it (`OTEL_EXPORTER_OTLP_TIMEOUT`).
 */
function withoutDetails({ code, error }: ExportResult): ExportResult {
  if (code === ExportResultCode.SUCCESS) return { code };
  const status: unknown = error && 'code' in error ? error.code : undefined;
  const known = typeof status === 'number';
  const reason = known ? `HTTP_${status}` : reasonOf(error);
  const permanent = known && !isRetriedStatus(status);
  return { code, error: new ExportError(`OTLP export failed: ${reason}`, reason, { permanent }) };
}

/** Two of the SDK's errors are known by their words alone. */
function reasonOf(error: Error | undefined): string {
  if (error?.message === 'Request timed out') return 'TIMEOUT';
  // 429, 502, 503 or 504: it does not say which.
  if (error?.message === 'Export failed with retryable status') return 'HTTP_UNAVAILABLE';
  return errorType(error);
}

function signalUrl(settings: OtlpSettings, path: string): string {
  const full = 'url' in settings;
  const url = URL.parse(full ? settings.url : settings.endpoint);
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new VconOtelError('CONFIG_INVALID', `exporters.otlp: not an http or https URL (${path})`, {
      path: 'exporters.otlp',
    });
  return full ? url.href : under(url, path);
}
