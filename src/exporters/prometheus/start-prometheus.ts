import type { MetricReader } from '@opentelemetry/sdk-metrics';
import { type AdminAddress, startAdminServer } from '../../admin/admin-server.ts';
import { ScrapeReader } from './scrape-reader.ts';

/** A running scrape endpoint. */
export interface PrometheusEndpoint {
  /** Goes into the `MeterProvider`, whose shutdown closes the endpoint too. */
  readonly reader: MetricReader;
  /** Where Prometheus scrapes. */
  readonly url: string;
  /** Stops listening; a scrape under way may finish within two seconds. Safe twice. */
  close(): Promise<void>;
}

/**
 * Serves metrics to Prometheus on `/metrics`, under the names that the Collector gives them. Port 0 takes a free one.
 * @throws VconOtelError `ADDRESS_UNAVAILABLE`
 */
export async function startPrometheus(address: AdminAddress): Promise<PrometheusEndpoint> {
  const close = () => server.close();
  const reader = new ScrapeReader(close);
  const pages = { '/metrics': reader.page };
  const server = await startAdminServer({ path: 'exporters.prometheus', ...address, pages });
  return { reader, url: `${server.url}/metrics`, close };
}
