import type { ObservableResult } from '@opentelemetry/api';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { startAdminServer } from '../../admin/admin-server.ts';
import { healthPages } from '../../admin/health.ts';
import { ScrapeReader } from '../../exporters/prometheus/scrape-reader.ts';
import { type LedgerReport, MONITOR_FINDINGS } from '../../ledger/index.ts';
import type { Address } from '../../model/address.ts';
import { MONITOR_ATTR, MONITOR_METRIC, SCOPE_NAME } from '../../model/semconv.ts';

/** The metrics of a monitor, and where they are served. */
export interface MonitorMetrics {
  readonly url: string;
  /** Takes what was found in a round. */
  heard(reports: readonly LedgerReport[]): void;
  close(): Promise<void>;
}

/**
 * Serves `/metrics` and `/healthz`.
 * @param places all that are watched: each is told of from the start on
 * @throws VconOtelError `ADDRESS_UNAVAILABLE`
 */
export async function serveMonitorMetrics(
  address: Address,
  places: readonly string[],
): Promise<MonitorMetrics> {
  const began = Date.now();
  const reports = new Map<string, LedgerReport>();
  const well = new Map<string, number>();
  const reader = new ScrapeReader();
  const provider = new MeterProvider({ readers: [reader] });
  const meter = provider.getMeter(SCOPE_NAME);
  const gauge = (
    { name, ...about }: MonitorMetric,
    observe: (place: string, result: ObservableResult) => void,
  ) =>
    meter.createObservableGauge(name, about).addCallback((result) => {
      for (const place of places) observe(place, result);
    });
  const ofReport = (metric: MonitorMetric, value: (report: LedgerReport) => number | undefined) =>
    gauge(metric, (place, result) => {
      const report = reports.get(place);
      const seen = report && value(report);
      if (seen !== undefined) result.observe(seen, { [MONITOR_ATTR.ledger]: place });
    });
  ofReport(MONITOR_METRIC.records, ({ size }) => size);
  ofReport(MONITOR_METRIC.checkpointAge, ({ age, time }) => ageNow(age, time));
  ofReport(MONITOR_METRIC.quorumAge, ({ quorumAge, time }) => ageNow(quorumAge, time));
  gauge(MONITOR_METRIC.verifiedAge, (place, result) =>
    result.observe((Date.now() - (well.get(place) ?? began)) / 1e3, { [MONITOR_ATTR.ledger]: place }),
  );
  gauge(MONITOR_METRIC.findings, (place, result) => {
    const found = new Set(reports.get(place)?.findings.map(({ name }) => name));
    for (const name of MONITOR_FINDINGS)
      result.observe(found.has(name) ? 1 : 0, { [MONITOR_ATTR.ledger]: place, [MONITOR_ATTR.finding]: name });
  });
  const pages = {
    '/healthz': healthPages(() => ({ ready: true, details: {} }))['/healthz'],
    '/metrics': reader.page,
  };
  const server = await startAdminServer({ path: '--metrics-port', ...address, pages });
  return {
    url: `${server.url}/metrics`,
    heard(round) {
      for (const report of round) {
        reports.set(report.place, report);
        if (report.findings.length === 0) well.set(report.place, report.time);
      }
    },
    async close() {
      await server.close();
      await provider.shutdown();
    },
  };
}

type MonitorMetric = (typeof MONITOR_METRIC)[keyof typeof MONITOR_METRIC];

/** Seconds, by now. */
function ageNow(age: number | undefined, time: number): number | undefined {
  return age === undefined ? undefined : (age + Math.max(0, Date.now() - time)) / 1e3;
}
