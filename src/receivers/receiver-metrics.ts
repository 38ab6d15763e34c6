import type { Meter, MeterProvider, ObservableResult } from '@opentelemetry/api';
import type { Issues } from '../model/issues.ts';
import { ATTR, METRIC, type MetricDescription, SCOPE_NAME } from '../model/semconv.ts';
import { RECEIVER_ISSUES, type ReceiverIssue } from './issues.ts';
import { RECEIVER_OUTCOMES, type Tally } from './tally.ts';

/** What the receivers' metrics are read from. */
export interface ReceiverMetricsSource {
  readonly tally: Tally;
  readonly issues: Issues<ReceiverIssue>;
  /** Runs that are not over. */
  runs(): number;
  /** Records in the stream that have still to be read, where that is known. */
  lag(): number | undefined;
}

/** Makes the receivers' metrics, which are looked at when somebody collects. */
export function measureReceivers(source: ReceiverMetricsSource, provider: MeterProvider): void {
  const meter = provider.getMeter(SCOPE_NAME);
  const { tally, issues } = source;
  observe(meter, 'Counter', METRIC.receiverSpans, (result) => {
    for (const outcome of RECEIVER_OUTCOMES.spans)
      result.observe(tally.of('spans', outcome), { [ATTR.outcome]: outcome });
  });
  observe(meter, 'Counter', METRIC.receiverRecords, (result) => {
    for (const outcome of RECEIVER_OUTCOMES.records)
      result.observe(tally.of('records', outcome), { [ATTR.outcome]: outcome });
  });
  observe(meter, 'Gauge', METRIC.receiverRuns, (result) => result.observe(source.runs()));
  observe(meter, 'Counter', METRIC.receiverIssues, (result) => {
    // From the start, so that the first issue is an increase.
    for (const kind of RECEIVER_ISSUES) result.observe(issues.of(kind), { [ATTR.issueKind]: kind });
  });
  observe(meter, 'Gauge', METRIC.receiverLag, (result) => {
    const lag = source.lag();
    if (lag !== undefined) result.observe(lag);
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
