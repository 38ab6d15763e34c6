export {
  type BatchSettings,
  BoundedSpanProcessor,
  batchSpans,
  type OtlpSettings,
  otlpFileExporter,
  otlpMetricReader,
  otlpTraceExporter,
  type PrometheusEndpoint,
  type SpanCounts,
  startPrometheus,
} from './exporters/index.ts';
export { SpanMetricsProcessor, type SpanMetricsSettings } from './service/span-metrics-processor.ts';
