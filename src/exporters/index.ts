export {
  type BatchSettings,
  BoundedSpanProcessor,
  batchSpans,
  type SpanCounts,
} from './bounded-span-processor.ts';
export { builtSpans } from './built-spans.ts';
export { type OtlpSettings, otlpMetricReader, otlpTraceExporter } from './otlp.ts';
export { otlpFileExporter } from './otlp-file.ts';
export { type PrometheusEndpoint, startPrometheus } from './prometheus.ts';
export { SpanMetricsProcessor, type SpanMetricsSettings } from './span-metrics.ts';
