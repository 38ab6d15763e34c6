import { z } from 'zod';
import { section } from '../model/options/section.ts';
import { httpUrl, text } from '../model/options/values.ts';
import { shownUrl } from '../model/shown-url.ts';
import { defineBuiltInExporter } from './built-in-exporter.ts';
import { otlpUrls } from './otlp/urls.ts';

const protocol = z.enum(['http/json', 'http/protobuf'], {
  error: 'expected http/json or http/protobuf: OTLP is exported over HTTP only',
});

/** Sends spans and metrics to a Collector, or to whatever else speaks OTLP over HTTP. */
export default defineBuiltInExporter({
  options: z
    .strictObject({
      endpoint: httpUrl.optional(),
      traces_endpoint: httpUrl.optional(),
      metrics_endpoint: httpUrl.optional(),
      headers: section(z.record(text, z.string())).optional(),
    })
    .refine((place) => (place.endpoint ?? place.traces_endpoint ?? place.metrics_endpoint) !== undefined, {
      path: ['endpoint'],
      error: 'is required',
    }),
  // Whatever can be said of the others (OTEL_EXPORTER_OTLP_HEADERS, …_TIMEOUT) the SDK reads by itself.
  variables: {
    OTEL_EXPORTER_OTLP_ENDPOINT: { schema: httpUrl, option: 'endpoint' },
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: { schema: httpUrl, option: 'traces_endpoint' },
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: { schema: httpUrl, option: 'metrics_endpoint' },
    OTEL_EXPORTER_OTLP_PROTOCOL: { schema: protocol },
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: { schema: protocol },
    OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: { schema: protocol },
  },
  erasure: {
    mentions: async () => [
      { what: 'spans that were sent', count: undefined, stays: 'erase them where they went' },
    ],
    erase: async () => {},
  },
  async create(options, { metricExportIntervalMillis: intervalMillis }) {
    const { otlpMetricReader, otlpTraceExporter } = await import('./otlp/otlp-http.ts');
    const { traces, metrics } = otlpUrls(options);
    const headers = options.headers ?? {};
    return {
      ...(traces && { spans: otlpTraceExporter({ url: traces, headers }) }),
      ...(metrics && {
        metrics: otlpMetricReader({ url: metrics, headers, ...(intervalMillis && { intervalMillis }) }),
      }),
    };
  },
  async probe(options, { timeout }) {
    const { probe } = await import('./otlp/probe.ts');
    return probe(otlpUrls(options), options.headers ?? {}, timeout);
  },
  describe(options) {
    const { traces, metrics } = otlpUrls(options);
    return [
      ...(traces ? [`OTLP traces to ${shownUrl(traces)}`] : []),
      ...(metrics ? [`OTLP metrics to ${shownUrl(metrics)}`] : []),
    ];
  },
});
