import type { NodeSDK } from '@opentelemetry/sdk-node';
import { ledgerTroubles } from '../ledger/log/open-ledgers.ts';
import type { Admin } from './admin.ts';
import { Ending, type Ends, quietly } from './ends.ts';
import type { Output } from './exporters.ts';
import type { OpenJournal } from './open-journal.ts';
import { readinessOf } from './readiness.ts';
import type { Receivers } from './receivers.ts';
import type { NamedBatch } from './spans-out.ts';
import type { TracerSpanProcessor } from './tracer-span-processor.ts';
import type { TracerThreads } from './tracer-threads.ts';
import type { Service } from './tracing.ts';

/** What a service consists of once everything is started. */
export interface ServiceParts {
  readonly sdk: NodeSDK;
  readonly bridge: TracerSpanProcessor;
  readonly threads: TracerThreads;
  readonly journal: Pick<OpenJournal, 'lines' | 'state'>;
  readonly output: Output;
  readonly batches: readonly NamedBatch[];
  readonly receivers: Receivers | undefined;
  readonly admin: Admin;
  /** Of everything that was started. */
  readonly ends: Ends;
  readonly reload: Service['reload'];
  /** Milliseconds that ending may take. */
  readonly shutdownTimeout: number;
}

/** Which part of that time each may have, so that there is some left for the journal, the metrics and the rest. */
export const SHARES = { receivers: 0.15, tracers: 0.6, spans: 0.2 };
/** Milliseconds. */
const FLUSH_METRICS = 15_000;

/** The face of a service that runs. */
export function runningService({
  sdk,
  bridge,
  threads,
  journal,
  output,
  batches,
  receivers,
  admin,
  ends,
  reload,
  shutdownTimeout,
}: ServiceParts): Service {
  const { exporters, meterProvider } = output;
  const scraped = exporters.find(({ exporter }) => exporter.scrapeUrl);
  let ended: Promise<void> | undefined;
  let ending: Ending | undefined;
  const end = async () => {
    ending = new Ending(shutdownTimeout);
    if (receivers) await ending.part('receivers', () => receivers.close(), SHARES.receivers);
    await ending.part('tracers', () => bridge.shutdown(), SHARES.tracers);
    await ending.part('spans', () => sdk.shutdown(), SHARES.spans);
    await ends.all(ending);
  };
  return {
    adminUrl: admin.adminUrl,
    healthUrl: admin.healthUrl,
    prometheusUrl: scraped?.exporter.scrapeUrl ?? admin.metricsUrl,
    receiverUrl: receivers?.url,
    lines: {
      receivers: receivers?.lines ?? [],
      exporters: exporters.flatMap(({ lines }) => lines),
      journal: journal.lines,
    },
    readiness() {
      return readinessOf(this.stats(), ended !== undefined);
    },
    async forceFlush() {
      await bridge.forceFlush();
      await Promise.all(batches.map(({ batch }) => batch.forceFlush()));
      await quietly('metrics', () => meterProvider.forceFlush(), FLUSH_METRICS);
    },
    shutdown() {
      ended ??= end();
      return ended;
    },
    undone: () => ending?.undone ?? [],
    reload: (read) => (ended ? Promise.resolve({ is: 'unchanged' }) : reload(read)),
    room: () => bridge.room(),
    stats() {
      const { full, failing } = journal.state();
      return {
        ...bridge.stats(),
        threads: threads.states,
        ledgerTroubles: ledgerTroubles(),
        journal: { full, failing },
        receivers: receivers?.stats(),
        exporters: Object.fromEntries(batches.map(({ name, batch }) => [name, batch.counts])),
      };
    },
  };
}
