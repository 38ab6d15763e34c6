import { diag, metrics } from '@opentelemetry/api';
import type { LoadedConfig } from '../config/load-config.ts';
import { RunMetrics, RunSpans } from '../exporters/index.ts';
import { openAdmin } from './admin.ts';
import { bridgedChains } from './bridged-chains.ts';
import { completedLine } from './completed-line.ts';
import { openConserverChains } from './conserver-chains.ts';
import { hasEmptyStore, NO_VCONS } from './empty-store.ts';
import { Ending, Ends } from './ends.ts';
import { openOutput } from './exporters.ts';
import { exposedFiles } from './exposed-files.ts';
import { claimGlobals, disclaimGlobals, leftAlone, releaseGlobals } from './globals.ts';
import { isConfiguredIn } from './is-configured.ts';
import { loadTracers } from './load-tracers.ts';
import { createLog, sendDiagnosticsTo } from './log.ts';
import { openJournal } from './open-journal.ts';
import { livePageOf } from './page.ts';
import { STARTING } from './readiness.ts';
import { hasReceivers, openReceivers } from './receivers.ts';
import { reloading } from './reload.ts';
import { remarksOf } from './remarks.ts';
import { runningService, SHARES } from './running-service.ts';
import { createSdk, describeService } from './sdk.ts';
import { exportBuiltSpans, openSpansOut } from './spans-out.ts';
import { TracerDelivery } from './tracer-delivery.ts';
import { TracerSpanProcessor } from './tracer-span-processor.ts';
import { TracerThreads } from './tracer-threads.ts';
import type { Service, ServiceSettings } from './tracing.ts';
import { openVconStore } from './vcon-store.ts';

//  LoadedConfig
//    ├─► admin server                    says at once that it lives, and that it is ready when all below is up; shows runs on a page
//    ├─► exporters                       take metrics, and spans in batches, which are beside the journal until then
//    ├─► vCon store ───────────────┐
//    ├─► journal ──► delivery ──► tracers, those of other people in a thread each
//    │      ▲
//    │      └────────────── events ──┐
//    ├─► SDK (global) ──► bridge ────┤
//    └─► receivers ──► assembly ─────┴── runs ──► metrics, built spans
//
//  Up in this order, down the other way round: first the receivers, so that nothing more comes in; then the tracers, which hear
//  what is left while it is still measured, and the journal, which keeps the rest; then the vCon store, the spans and the
//  metrics; at last the admin server, which says until then that the service is not ready.

/** Which part of the time for ending tracers have to hear what is left. */
const DRAIN_SHARE = 0.4;

/**
 * Starts everything a configuration names. Either all of it is started or nothing is.
 * @param settings `health`: whether the health is also told where `health` of the configuration says
 * @throws VconOtelError as `startTracing`
 */
export async function startService(
  loaded: LoadedConfig,
  settings: ServiceSettings & { readonly health?: boolean } = {},
): Promise<Service> {
  const own = claimGlobals();
  const { shutdown_timeout: shutdownTimeout } = loaded.config;
  const ends = new Ends();
  ends.add('claim', disclaimGlobals);
  const log = await createLog(loaded.config.log_level);
  sendDiagnosticsTo(log);
  ends.add('diagnostics', () => diag.disable());
  const left = leftAlone(own);
  if (left !== undefined) log.info(left);
  let service: Service | undefined;
  try {
    const resource = describeService(loaded.config.service_name);
    const current = { loaded };
    const page = livePageOf(current, log, () => service?.stats());
    const readiness = () => service?.readiness() ?? STARTING;
    const admin = await openAdmin(loaded, settings.health === true, readiness, page);
    ends.add('admin server', admin.close);
    const conserver = await openConserverChains(loaded);
    ends.add('conserver_config', () => conserver.close());
    const isConfigured = isConfiguredIn(() => current.loaded, conserver);
    const output = await openOutput(loaded, resource, admin.readers, isConfigured, ends);
    const { meterProvider } = output;
    const vcons = settings.vcons ?? (await openVconStore(loaded, meterProvider));
    if (!settings.vcons) ends.add('vCon store', () => vcons.close());
    const threads = new TracerThreads();
    ends.add('threads of tracers', () => threads.end());
    const tracers = await loadTracers(loaded, log, threads);
    for (const sentence of [...(await remarksOf(loaded)), ...(await exposedFiles(loaded, tracers))])
      log.warn(sentence);
    const { journal, lines, state } = await openJournal(loaded);
    ends.add('journal', () => journal.close());
    // What reads the journal's file closes it first.
    ends.add('page', () => page?.close());
    const batches = await openSpansOut(loaded, output, journal, ends);

    const built = hasReceivers(loaded) ? exportBuiltSpans(batches, resource) : [];
    const always = built.map(({ name }) => name);
    const completed = completedLine(log, loaded.config.tracers);
    const heard = {
      tracers: [...tracers, ...built],
      vcons,
      journal,
      meterProvider,
      drainTimeout: DRAIN_SHARE * shutdownTimeout,
      ...(completed && { completed }),
      ...bridgedChains(loaded, conserver, always),
    };
    const delivery = new TracerDelivery(heard);
    threads.observe((kind, detail) => delivery.issues.add(kind, detail));
    if (!settings.vcons && hasEmptyStore(loaded))
      for (const name of delivery.vconReaders) log.warn(`tracer ${name}: ${NO_VCONS}`);
    const runMetrics = new RunMetrics(meterProvider, isConfigured, output.durations);
    const watching = page ? [page.observer] : [];
    const bridge = new TracerSpanProcessor(heard, delivery, [runMetrics, ...watching], page !== undefined);
    ends.add('tracers', () => bridge.shutdown());

    const spanProcessors = [bridge, ...batches.map(({ batch }) => batch), ...(settings.spanProcessors ?? [])];
    const sdk = createSdk(loaded, settings, resource, spanProcessors, own);
    sendDiagnosticsTo(log);
    // It looks at the process's own variable only.
    if (!loaded.environment.disabled) sdk.start();
    if (!own.metrics) metrics.setGlobalMeterProvider(meterProvider);
    ends.add('globals', () => releaseGlobals(own));

    const { processors } = delivery;
    const builders = processors.isEmpty ? [] : [new RunSpans(processors)];
    const observers = [runMetrics, ...watching, ...builders];
    const sinks = {
      ...{ events: delivery, observers, journal, state, meterProvider, conserver },
      current: () => current.loaded,
      closeTimeout: SHARES.receivers * shutdownTimeout,
    };
    const receivers = hasReceivers(loaded) ? await openReceivers(loaded, sinks) : undefined;
    const parts = {
      sdk,
      bridge,
      threads,
      journal: { lines, state },
      output,
      batches,
      receivers,
      admin,
      ends,
      reload: reloading({ current, log, delivery, threads, conserver, admin, receivers, always }),
    };
    service = runningService({ ...parts, shutdownTimeout });
    return service;
  } catch (error) {
    await ends.all(new Ending(shutdownTimeout));
    throw error;
  }
}
