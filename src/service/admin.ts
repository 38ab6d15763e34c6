import type { MetricReader } from '@opentelemetry/sdk-metrics';
import { type AdminServer, type AdminServerSettings, startAdminServer } from '../admin/admin-server.ts';
import { healthPages, type Readiness } from '../admin/health.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import type { LivePage } from '../page/page.ts';

/** The servers for operators that are running. */
export interface Admin {
  /** Where health, metrics and the page are, if `admin` asks for them. */
  readonly adminUrl: string | undefined;
  /** Where Prometheus can scrape it. */
  readonly metricsUrl: string | undefined;
  /** Where only the health is, if `health` asks for it. */
  readonly healthUrl: string | undefined;
  /** Reads the metrics for the admin server. */
  readonly readers: readonly MetricReader[];
  /** Asks for the tokens of another configuration from now on. */
  renew(loaded: LoadedConfig): void;
  close(): Promise<void>;
}

/**
 * Starts the servers for operators that a configuration names: one with everything, and one with the health alone.
 * @param withHealth whether `health` is heeded
 * @param page what the server with everything shows, if it has a page
 * @throws VconOtelError `ADDRESS_UNAVAILABLE`
 */
export async function openAdmin(
  { config: { admin, health } }: LoadedConfig,
  withHealth: boolean,
  readiness: () => Readiness,
  page: LivePage | undefined,
): Promise<Admin> {
  const servers: [key: 'admin' | 'health', server: AdminServer][] = [];
  const close = async () => {
    await page?.close();
    await Promise.all(servers.map(([, server]) => server.close()));
  };
  const start = async (key: 'admin' | 'health', settings: Omit<AdminServerSettings, 'path'>) => {
    const server = await startAdminServer({ path: key, ...settings });
    servers.push([key, server]);
    return server.url;
  };
  const renew = ({ config }: LoadedConfig) => {
    for (const [key, server] of servers) server.renew(config[key]?.token);
    page?.dismiss();
  };
  const pages = healthPages(readiness);
  const isOne = admin?.port !== 0 && admin?.host === health?.host && admin?.port === health?.port;
  try {
    const metrics = admin && (await scrapeReader());
    const all = metrics && { ...pages, '/metrics': metrics.page };
    const adminUrl = all && (await start('admin', { ...admin, pages: all, site: page?.site }));
    const healthUrl =
      withHealth && health && !isOne ? await start('health', { ...health, pages }) : undefined;
    const metricsUrl = adminUrl && `${adminUrl}/metrics`;
    return { adminUrl, metricsUrl, healthUrl, readers: metrics ? [metrics] : [], renew, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Loaded only where it is wanted. */
async function scrapeReader() {
  const { ScrapeReader } = await import('../exporters/prometheus/scrape-reader.ts');
  return new ScrapeReader();
}
