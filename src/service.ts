import { diag, metrics } from '@opentelemetry/api';
import {
  defaultResource,
  detectResources,
  envDetector,
  hostDetector,
  type Resource,
  resourceFromAttributes,
  serviceInstanceIdDetector,
} from '@opentelemetry/resources';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { NodeSDK, type NodeSDKConfiguration } from '@opentelemetry/sdk-node';
import { createAlwaysRecordSampler, type Sampler, type SpanProcessor } from '@opentelemetry/sdk-trace';
import type { Logger } from 'pino';
import type { TracerEntry } from './bridge/create-tracer.ts';
import { type BridgeStats, TracerSpanProcessor } from './bridge/tracer-span-processor.ts';
import { deliverySettings, type LoadedConfig } from './config.ts';
import { type SpanCounts, SpanMetricsProcessor } from './exporters/index.ts';
import type { Journal } from './journal/journal.ts';
import { withDeadline } from './model/deadline.ts';
import { errorType, VconOtelError } from './model/error.ts';
import type { VconStore } from './model/vcon.ts';
import { bridgedChains } from './service/bridged-chains.ts';
import { completedLine } from './service/completed-line.ts';
import { exportBuiltSpans, type NamedBatch, openBatches, openReaders } from './service/exporters.ts';
import { claimGlobals, disclaimGlobals, releaseGlobals } from './service/globals.ts';
import { createLog, sendDiagnosticsTo } from './service/log.ts';
import { openJournal } from './service/open-journal.ts';
import { measureProcess } from './service/process-metrics.ts';
import {
  hasReceivers,
  openConserverChains,
  openReceivers,
  type ReceiverStats,
  type Receivers,
} from './service/receivers.ts';
import { samplerFor } from './service/sampler.ts';
import { loadTracerModule } from './service/tracer-modules.ts';
import { openVconStore } from './service/vcon-store.ts';

//  LoadedConfig
//       │
//       ├─► vCon store, journal ─────┐
//       ├─► tracer modules ──────────┴─► bridge ─────┐
//       ├─► Prometheus, OTLP metrics ─► meter ───────┼─► span processors ─► NodeSDK (registered globally)
//       └─► OTLP, OTLP file ─► batches ──────────────┘
//                    receivers ─► assembler ─► bridge, metrics
//
//  Down in the order of the arrows' heads: first the receivers, so that nothing more comes in; then the bridge, so that tracers hear what is left and what they
//  do is still measured, and with it the journal, which keeps the rest; then the spans; then the metrics; then the store.

/** What code hands to the service (the configuration is what the user wrote). */
export interface ServiceSettings {
  /** Which spans exporters get; tracers hear every run. Default: as `OTEL_TRACES_SAMPLER` says. */
  readonly sampler?: Sampler;
  /** Further span processors; what they throw is theirs to answer for. */
  readonly spanProcessors?: readonly SpanProcessor[];
  /** Instrumentations to register, e.g. for HTTP and Redis. */
  readonly instrumentations?: NodeSDKConfiguration['instrumentations'];
  /** Where tracers look up vCons; the configuration's store otherwise. It is not closed with the service. */
  readonly vcons?: VconStore;
}

/** Tracing that is under way. */
export interface Tracing {
  /** Lets tracers hear, and exporters send, everything so far, as far as their deadlines go. Never rejects. */
  forceFlush(): Promise<void>;
  /** As `forceFlush`, tracers first, then ends everything. Safe twice; never rejects. */
  shutdown(): Promise<void>;
  /**
   * Resolves when the journal has room: at once, but with `on_full: block` and tracers far behind. Whoever starts chains
   * without `runChain`, which waits by itself, waits for this before each.
   */
  room(): Promise<void>;
  /** What was heard, delivered and exported so far. */
  stats(): TracingStats;
  /** Where OTLP and forwarded records are taken over HTTP, if they are. */
  readonly receiverUrl: string | undefined;
  /** Where Prometheus scrapes, if it does. */
  readonly prometheusUrl: string | undefined;
}

/** Counts since the start. */
export interface TracingStats extends BridgeStats {
  /** Whether whoever feeds the journal is to wait, and whether its last try to write has failed. */
  readonly journal: { readonly full: boolean; readonly failing: boolean };
  /** What arrived from outside; absent where nothing listens. */
  readonly receivers: ReceiverStats | undefined;
  /** What became of the sampled spans on the way to each exporter: `otlp`, `otlp_file`. */
  readonly exporters: Readonly<Record<string, SpanCounts>>;
}

/** Milliseconds that each part has to end, beside its own deadlines. */
const END_TIMEOUT = 15_000;
/** Milliseconds for the last metrics: with an endpoint that is down, they run out. */
const LAST_METRICS = 2_000;

/**
 * Starts everything a configuration names. Either all of it is started or nothing is.
 * @throws VconOtelError as `startTracing`
 */
export async function startService(loaded: LoadedConfig, settings: ServiceSettings = {}): Promise<Tracing> {
  claimGlobals();
  const { config, environment } = loaded;
  const log = createLog(config.log_level);
  sendDiagnosticsTo(log);
  const ends: End[] = [
    { what: 'claim', end: async () => disclaimGlobals() },
    { what: 'diagnostics', end: async () => diag.disable() },
  ];
  try {
    const resource = describeService(config.service_name);
    const { readers, prometheusUrl, close } = await openReaders(loaded);
    ends.push({ what: 'Prometheus endpoint', end: close });
    const meterProvider = new MeterProvider({ resource, readers });
    if (readers.length > 0) {
      const unmeasure = measureProcess(meterProvider);
      ends.push({ what: 'process metrics', end: async () => unmeasure() });
    }
    ends.push({ what: 'metrics', end: () => meterProvider.shutdown({ timeoutMillis: LAST_METRICS }) });
    const vcons = settings.vcons ?? openVconStore(config.vcon_store);
    if (!settings.vcons) ends.push({ what: 'vCon store', end: () => vcons.close() });
    const batches = openBatches(loaded, meterProvider);
    ends.push({ what: 'exporters', end: () => eachOf(batches, ({ batch }) => batch.shutdown()) });
    const tracers = await loadTracers(loaded);
    if (environment.disabled) forgo(tracers, log);
    const journal = await openJournal(loaded);
    ends.push({ what: 'journal', end: () => journal.close() });
    const conserver = await openConserverChains(loaded);
    ends.push({ what: 'conserver_config', end: async () => conserver?.close() });
    const completed = completedLine(log, config.tracers);
    const built = exportBuiltSpans(loaded, resource);
    const always = built.map(({ name }) => name);
    const bridge = new TracerSpanProcessor({
      tracers: [...tracers, ...built],
      vcons,
      journal,
      meterProvider,
      ...(completed && { completed }),
      ...bridgedChains(loaded, conserver, always),
    });
    ends.push({ what: 'tracers', end: () => bridge.shutdown() });
    const spanMetrics = new SpanMetricsProcessor({ meterProvider });
    const spanProcessors = [
      bridge,
      spanMetrics,
      ...batches.map(({ batch }) => batch),
      ...(settings.spanProcessors ?? []),
    ];
    const sdk = createSdk(loaded, settings, resource, spanProcessors);
    sendDiagnosticsTo(log);
    // It looks at the process's own variable only.
    if (!environment.disabled) sdk.start();
    metrics.setGlobalMeterProvider(meterProvider);
    ends.push({ what: 'globals', end: async () => releaseGlobals() });
    const parts = { bridge, observers: [spanMetrics], journal, meterProvider, conserver };
    const receivers = hasReceivers(loaded) ? await openReceivers(loaded, parts) : undefined;
    return running({ sdk, bridge, journal, batches, meterProvider, receivers, ends, prometheusUrl });
  } catch (error) {
    await endAll(ends);
    throw error;
  }
}

interface End {
  readonly what: string;
  end(): Promise<unknown>;
}

interface Parts {
  readonly sdk: NodeSDK;
  readonly bridge: TracerSpanProcessor;
  readonly journal: Journal;
  readonly batches: readonly NamedBatch[];
  readonly meterProvider: MeterProvider;
  readonly receivers: Receivers | undefined;
  readonly ends: readonly End[];
  readonly prometheusUrl: string | undefined;
}

function running(parts: Parts): Tracing {
  const { sdk, bridge, journal, batches, meterProvider, receivers, ends, prometheusUrl } = parts;
  let ended: Promise<void> | undefined;
  return {
    prometheusUrl,
    receiverUrl: receivers?.httpUrl,
    async forceFlush() {
      await bridge.forceFlush();
      await eachOf(batches, ({ batch }) => batch.forceFlush());
      await quietly('metrics', () => meterProvider.forceFlush());
    },
    shutdown() {
      ended ??= (async () => {
        if (receivers) await quietly('receivers', () => receivers.close());
        await bridge.shutdown();
        await quietly('spans', () => sdk.shutdown());
        await endAll(ends);
      })();
      return ended;
    },
    room: () => bridge.room(),
    stats: () => ({
      ...bridge.stats(),
      journal: { full: journal.full, failing: journal.failing },
      receivers: receivers?.stats(),
      exporters: Object.fromEntries(batches.map(({ name, batch }) => [name, batch.counts])),
    }),
  };
}

async function loadTracers({ config, directory }: LoadedConfig): Promise<TracerEntry[]> {
  const entries: TracerEntry[] = [];
  for (const [name, { module, options, delivery }] of Object.entries(config.tracers))
    entries.push({
      name,
      module: await loadTracerModule(name, module, directory),
      options,
      ...(delivery && { delivery: deliverySettings(delivery) }),
    });
  return entries;
}

/**
 * With `OTEL_SDK_DISABLED` no tracer hears anything, which some must not accept.
 * @throws VconOtelError `CONFIG_INVALID`
 */
function forgo(tracers: readonly TracerEntry[], log: Logger): void {
  const strict = tracers.find(({ options }) => options?.dlq_vcon_on_error === true);
  if (strict)
    throw new VconOtelError(
      'CONFIG_INVALID',
      `OTEL_SDK_DISABLED is set, but tracer ${strict.name} must hear every run (dlq_vcon_on_error)`,
      { path: 'OTEL_SDK_DISABLED' },
    );
  log.warn('OTEL_SDK_DISABLED is set: nothing is traced, and tracers hear nothing');
}

/** No process detector: it would put command lines, and with them file names, on every span. */
function describeService(serviceName: string): Resource {
  // The later wins: what somebody has written down is meant so.
  const detectors = [hostDetector, serviceInstanceIdDetector, envDetector];
  return defaultResource()
    .merge(detectResources({ detectors }))
    .merge(resourceFromAttributes({ 'service.name': serviceName }));
}

/** Takes OpenTelemetry's diagnostics away from whoever had them. */
function createSdk(
  { environment }: LoadedConfig,
  settings: ServiceSettings,
  resource: Resource,
  spanProcessors: SpanProcessor[],
): NodeSDK {
  const { instrumentations } = settings;
  // Its constructor may put a logger of its own in place of ours (OTEL_LOG_LEVEL), with a warning about it.
  diag.disable();
  return new NodeSDK({
    resource,
    autoDetectResources: false,
    sampler: createAlwaysRecordSampler(settings.sampler ?? samplerFor(environment.sampler)),
    spanProcessors,
    // Tracers hear what stands on the spans: a limit from the environment must not cut a uuid or drop an outcome.
    spanLimits: { attributeCountLimit: 128, attributeValueLengthLimit: Number.POSITIVE_INFINITY },
    metricReaders: [],
    logRecordProcessors: [],
    ...(instrumentations && { instrumentations }),
  });
}

async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  await Promise.all(items.map(work));
}

async function endAll(ends: readonly End[]): Promise<void> {
  for (const { what, end } of [...ends].reverse()) await quietly(what, end);
}

async function quietly(what: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await withDeadline(work(), END_TIMEOUT, `ending ${what}`);
  } catch (error) {
    diag.warn('vcon-otel/service', `${what} did not end well: ${errorType(error)}`);
  }
}
