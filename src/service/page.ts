import type { Logger } from 'pino';
import type { LoadedConfig } from '../config/load-config.ts';
import { tracePageAt, tracePageOf } from '../config/trace-page.ts';
import { ledgerIn } from '../ledger/log/open-ledgers.ts';
import { systemClock } from '../model/clock.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import { createPage, type LivePage } from '../page/page.ts';
import type { PageDeed, PageSources, TraceUrl } from '../page/page-sources.ts';
import { isActor, leaveWord } from './deeds.ts';
import { ledgersOf, type NamedLedger } from './ledgers.ts';
import type { TracingStats } from './tracing.ts';
import { troubles } from './troubles.ts';

/**
 * The page of a service whose admin server is to have one.
 * @param current the configuration as it stands
 * @param stats undefined while the service is starting
 * @throws ConfigError where what says how traces are found is wrong
 */
export function livePageOf(
  current: { readonly loaded: LoadedConfig },
  log: Logger,
  stats: () => TracingStats | undefined,
): LivePage | undefined {
  const { admin, journal, service_name: service } = current.loaded.config;
  if (!admin?.page) return undefined;
  const named = ledgersNamed(current);
  const sources: PageSources = {
    ...{ service, journal, actions: admin.actions, isActor },
    tracers: () => stats()?.tracers ?? {},
    troubles: () => {
      const now = stats();
      return now ? troubles(now) : [];
    },
    async ledgers() {
      const ledgers = await named();
      return ledgers.map((ledger) => ({ ...ledger, standing: ledgerIn(ledger.directory)?.standing }));
    },
    async record(deed, actor, directories) {
      log.info(wordsOf(deed));
      const all = directories ?? (await named()).map(({ directory }) => directory);
      const left = await Promise.all(all.map((directory) => unrecorded(directory, deed, actor)));
      return left.flat();
    },
    traceUrls: traceUrls(admin.trace_urls),
  };
  return createPage(sources, systemClock);
}

/** Looked for anew when the configuration is another. */
function ledgersNamed(current: { readonly loaded: LoadedConfig }): () => Promise<NamedLedger[]> {
  const known = new WeakMap<LoadedConfig, Promise<NamedLedger[]>>();
  return () => {
    const { loaded } = current;
    const ledgers = known.get(loaded) ?? ledgersOf(loaded);
    known.set(loaded, ledgers);
    return ledgers;
  };
}

/** A sentence, where a ledger cannot be told. */
async function unrecorded(directory: string, deed: PageDeed, actor: string): Promise<string[]> {
  try {
    await leaveWord(directory, deed, actor);
    return [];
  } catch (error) {
    const why = error instanceof VconOtelError ? error.message : errorType(error);
    return [`this is not recorded in the ledger in ${directory} (${why})`];
  }
}

/** For the log, which names nobody. */
function wordsOf(deed: PageDeed): string {
  if (deed.event === 'vcon_proved') return 'page: a proof of a vCon was downloaded';
  const words = { events_replayed: 'replayed', events_requeued: 'queued again', events_skipped: 'skipped' };
  return `page: ${deed.events} events of tracer ${deed.tracer} were ${words[deed.event]}`;
}

/** First as the environment says, then as the configuration does. */
function traceUrls(templates: Readonly<Record<string, string>>): (traceId: string) => TraceUrl[] {
  const fromEnvironment = tracePageOf();
  const pages = [
    ...(fromEnvironment ? [['trace', fromEnvironment] as const] : []),
    ...Object.entries(templates).map(([name, template]) => [name, tracePageAt(template)] as const),
  ];
  return (traceId) =>
    pages.flatMap(([name, page]) => {
      const url = page(traceId);
      return url === undefined ? [] : [{ name, url }];
    });
}
