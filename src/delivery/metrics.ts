import {
  type Attributes,
  type Histogram,
  type Meter,
  type MeterProvider,
  metrics,
  type ObservableResult,
} from '@opentelemetry/api';
import type { EventLogState } from '../journal/event-log.ts';
import { ISSUE_KINDS, type IssueKind } from '../model/bridge-issues.ts';
import type { Issues } from '../model/issues.ts';
import { ATTR, DURATION_BUCKETS, METRIC, type MetricDescription, SCOPE_NAME } from '../model/semconv.ts';
import { READ_OUTCOMES, type ReadCounts } from '../vcon-store/shared-reads.ts';
import type { TracerWorker } from './tracer-worker.ts';

/** What can become of an event, or of an attempt at it. */
const OUTCOMES = ['ok', 'retried', 'dead', 'dropped', 'skipped'] as const;

/** What the metrics of delivery are read from. */
export interface DeliveryMetricsSource {
  readonly queue: {
    readonly workers: readonly TracerWorker[];
    readonly journal: EventLogState;
  };
  readonly reads: { readonly counts: ReadCounts };
  readonly issues: Issues<IssueKind>;
}

/**
 * The metrics of delivery. Counts are kept by the workers and only looked at when somebody collects, because an
 * SDK counter costs a microsecond for each event and tracer.
 */
export class DeliveryMetrics {
  readonly #duration: Histogram;
  readonly #release: () => void;

  constructor(source: DeliveryMetricsSource, provider: MeterProvider = metrics) {
    const meter = provider.getMeter(SCOPE_NAME);
    const { queue, reads, issues } = source;
    this.#duration = meter.createHistogram(METRIC.tracerDuration.name, {
      ...about(METRIC.tracerDuration),
      advice: { explicitBucketBoundaries: [...DURATION_BUCKETS] },
    });
    const releases = [
      observe(meter, 'Counter', METRIC.tracerDeliveries, (result) => {
        for (const { name, stats } of queue.workers)
          for (const outcome of OUTCOMES)
            result.observe(stats[outcome], { [ATTR.tracerName]: name, [ATTR.outcome]: outcome });
      }),
      observe(meter, 'Gauge', METRIC.journalDepth, (result) => {
        for (const { name, depth } of queue.workers) result.observe(depth, { [ATTR.tracerName]: name });
      }),
      observe(meter, 'Gauge', METRIC.journalOldestAge, (result) => {
        for (const { name, oldestAge } of queue.workers)
          result.observe(oldestAge, { [ATTR.tracerName]: name });
      }),
      observe(meter, 'Gauge', METRIC.journalDeadLetters, (result) => {
        for (const { name, deadLetters } of queue.workers)
          result.observe(deadLetters, { [ATTR.tracerName]: name });
      }),
      observe(meter, 'Gauge', METRIC.journalFull, (result) => result.observe(queue.journal.full ? 1 : 0)),
      observe(meter, 'Gauge', METRIC.journalSize, (result) => {
        const { size } = queue.journal;
        if (size) result.observe(size.used);
      }),
      observe(meter, 'Gauge', METRIC.journalMaxSize, (result) => {
        const { size } = queue.journal;
        if (size) result.observe(size.limit);
      }),
      observe(meter, 'Gauge', METRIC.tracerCircuitOpen, (result) => {
        for (const { name, circuit } of queue.workers)
          result.observe(circuit === 'closed' ? 0 : 1, { [ATTR.tracerName]: name });
      }),
      observe(meter, 'Counter', METRIC.storeReads, (result) => {
        for (const outcome of READ_OUTCOMES)
          result.observe(reads.counts[outcome], { [ATTR.outcome]: outcome });
      }),
      observe(meter, 'Counter', METRIC.bridgeIssues, (result) => {
        // From the start, so that the first issue is an increase.
        for (const kind of ISSUE_KINDS) result.observe(issues.of(kind), { [ATTR.issueKind]: kind });
      }),
    ];
    this.#release = () => {
      for (const release of releases) release();
    };
  }

  /** Records how long a tracer took, in seconds. */
  took(seconds: number, tracer: Attributes): void {
    this.#duration.record(seconds, tracer);
  }

  /** Stops being asked. */
  release(): void {
    this.#release();
  }
}

function about({ unit, description }: MetricDescription) {
  return { unit, description };
}

function observe(
  meter: Meter,
  kind: 'Counter' | 'Gauge',
  metric: MetricDescription,
  callback: (result: ObservableResult) => void,
): () => void {
  const instrument = meter[`createObservable${kind}`](metric.name, about(metric));
  instrument.addCallback(callback);
  return () => instrument.removeCallback(callback);
}
