import type { Meter, MeterProvider, ObservableResult } from '@opentelemetry/api';
import { ATTR, METRIC, type MetricDescription, SCOPE_NAME } from '../model/semconv.ts';
import { RECEIVER_OUTCOMES, type ReceiverCounts } from './counts.ts';

/** The sources of the receivers' metrics. */
export interface ReceiverMetricsSource {
  readonly counts: ReceiverCounts;
  /** How often there was an issue of each kind. */
  issues(): Iterable<readonly [kind: string, count: number]>;
  /** Runs that are not over. */
  runs(): number;
  /** Records in the stream that have yet to be read, if known. */
  lag(): number | undefined;
  /** Whether a stream cannot be read; undefined where none is. */
  failing(): boolean | undefined;
}

/** Creates the receivers' metrics, which are observed when metrics are collected. */
export function measureReceivers(source: ReceiverMetricsSource, provider: MeterProvider): void {
  const meter = provider.getMeter(SCOPE_NAME);
  const { counts } = source;
  observe(meter, 'Counter', METRIC.receiverSpans, (result) => {
    for (const outcome of RECEIVER_OUTCOMES.spans)
      result.observe(counts.of('spans', outcome), { [ATTR.outcome]: outcome });
  });
  observe(meter, 'Counter', METRIC.receiverRecords, (result) => {
    for (const outcome of RECEIVER_OUTCOMES.records)
      result.observe(counts.of('records', outcome), { [ATTR.outcome]: outcome });
  });
  observe(meter, 'Gauge', METRIC.receiverRuns, (result) => result.observe(source.runs()));
  observe(meter, 'Counter', METRIC.receiverIssues, (result) => {
    for (const [kind, count] of source.issues()) result.observe(count, { [ATTR.issueKind]: kind });
  });
  observe(meter, 'Gauge', METRIC.receiverLag, (result) => {
    const lag = source.lag();
    if (lag !== undefined) result.observe(lag);
  });
  observe(meter, 'Gauge', METRIC.receiverFailing, (result) => {
    const failing = source.failing();
    if (failing !== undefined) result.observe(failing ? 1 : 0);
  });
}

function observe(
  meter: Meter,
  kind: 'Counter' | 'Gauge',
  { name, unit, description }: MetricDescription,
  callback: (result: ObservableResult) => void,
): void {
  meter[`createObservable${kind}`](name, { unit, description }).addCallback(callback);
}
