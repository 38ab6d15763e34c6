import type { MeterProvider, ObservableGauge, ObservableResult } from '@opentelemetry/api';
import type { Ledger } from '../../ledger/index.ts';
import { ATTR, METRIC, SCOPE_NAME } from '../../model/semconv.ts';

/**
 * Observes a ledger whenever metrics are collected.
 * @returns a function that stops this
 */
export function measureLedger(ledger: Ledger, tracer: string, provider: MeterProvider): () => void {
  const meter = provider.getMeter(SCOPE_NAME);
  const attributes = { [ATTR.tracerName]: tracer };
  const gauges = [
    METRIC.ledgerRecords,
    METRIC.ledgerCheckpointRecords,
    METRIC.ledgerFault,
    METRIC.ledgerCheckpointAge,
    METRIC.ledgerQuorumAge,
    METRIC.ledgerMirrorPending,
    METRIC.ledgerMirrorLag,
  ].map(({ name, ...about }) => meter.createObservableGauge(name, about));
  const values = [
    () => ledger.size,
    () => ledger.standing.checkpoint.size,
    () => (ledger.fault ? 1 : 0),
    // Without a checkpoint there is no age.
    () => ageOf(ledger.standing.checkpoint),
    // Without witnesses neither.
    () => ledger.standing.quorum?.age,
    // Nor without a mirror.
    () => ledger.standing.mirror?.records,
    () => ledger.standing.mirror?.seconds,
  ];
  const releases = gauges.map((gauge, index) => observe(gauge, () => values[index]?.(), attributes));
  return () => {
    for (const release of releases) release();
  };
}

/** Seconds. */
function ageOf({ time }: Ledger['standing']['checkpoint']): number | undefined {
  return time && Math.max(0, Date.now() - time) / 1e3;
}

function observe(
  gauge: ObservableGauge,
  value: () => number | undefined,
  attributes: Readonly<Record<string, string>>,
): () => void {
  const callback = (result: ObservableResult) => {
    const seen = value();
    if (seen !== undefined) result.observe(seen, attributes);
  };
  gauge.addCallback(callback);
  return () => gauge.removeCallback(callback);
}
