import {
  AggregationType,
  type CollectionResult,
  type IMetricReader,
  InstrumentType,
  type MetricProducer,
  type ScopeMetrics,
} from '@opentelemetry/sdk-metrics';
import type { OwnDurations } from './own-durations.ts';

/** Whether a reader takes histograms with the buckets that they have. */
export function takesBuckets(reader: IMetricReader): boolean {
  const { type } = reader.selectAggregation(InstrumentType.HISTOGRAM);
  return type === AggregationType.DEFAULT;
}

/** A reader that reads our own histograms besides the SDK's metrics. */
export function joinedReader(reader: IMetricReader, durations: OwnDurations): IMetricReader {
  return {
    setMetricProducer: (sdk) => reader.setMetricProducer(joined(sdk, reader, durations)),
    selectAggregation: (type) => reader.selectAggregation(type),
    selectAggregationTemporality: (type) => reader.selectAggregationTemporality(type),
    selectCardinalityLimit: (type) => reader.selectCardinalityLimit(type),
    collect: (options) => reader.collect(options),
    shutdown: (options) => reader.shutdown(options),
    forceFlush: (options) => reader.forceFlush(options),
  };
}

function joined(sdk: MetricProducer, reader: IMetricReader, durations: OwnDurations): MetricProducer {
  const view = durations.view(reader.selectAggregationTemporality(InstrumentType.HISTOGRAM));
  return {
    async collect(options): Promise<CollectionResult> {
      const { resourceMetrics, errors } = await sdk.collect(options);
      const { resource, scopeMetrics } = resourceMetrics;
      return { resourceMetrics: { resource, scopeMetrics: withOwn(scopeMetrics, view()) }, errors };
    },
  };
}

/** Under the scope that they share. */
function withOwn(scopes: readonly ScopeMetrics[], own: ScopeMetrics): ScopeMetrics[] {
  if (own.metrics.length === 0) return [...scopes];
  const isShared = scopes.some(({ scope }) => scope.name === own.scope.name);
  if (!isShared) return [...scopes, own];
  return scopes.map((of) =>
    of.scope.name === own.scope.name ? { scope: of.scope, metrics: [...own.metrics, ...of.metrics] } : of,
  );
}
