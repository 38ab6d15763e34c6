import type { LoadedConfig } from '../config/load-config.ts';
import { tracePageOf } from '../config/trace-page.ts';
import { systemClock } from '../model/clock.ts';
import { createPage, type LivePage } from '../page/page.ts';
import type { TracingStats } from './tracing.ts';
import { troubles } from './troubles.ts';

/**
 * The page of a service whose admin server is to have one.
 * @param stats undefined while the service is starting
 * @throws ConfigError where what says how traces are found is wrong
 */
export function livePageOf(
  { config: { admin, journal, service_name: service } }: LoadedConfig,
  stats: () => TracingStats | undefined,
): LivePage | undefined {
  if (!admin?.page) return undefined;
  const sources = {
    service,
    journal,
    tracers: () => stats()?.tracers ?? {},
    troubles: () => {
      const now = stats();
      return now ? troubles(now) : [];
    },
    traceUrl: tracePageOf(),
  };
  return createPage(sources, systemClock);
}
