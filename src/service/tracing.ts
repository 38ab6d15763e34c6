import type { NodeSDKConfiguration } from '@opentelemetry/sdk-node';
import type { Sampler, SpanProcessor } from '@opentelemetry/sdk-trace';
import type { Readiness } from '../admin/health.ts';
import type { ConfigReading } from '../config/load-config.ts';
import type { SpanCounts } from '../exporters/index.ts';
import type { ThreadState } from '../isolation/threaded-tracer.ts';
import type { VconStore } from '../model/vcon.ts';
import type { ReceiverStats } from './receivers.ts';
import type { Reloaded } from './reload.ts';
import type { BridgeStats } from './tracer-span-processor.ts';

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
  /** As `forceFlush`, tracers first, then ends everything, within `shutdown_timeout`. Safe twice; never rejects. */
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
  /** Where `/healthz`, `/readyz` and `/metrics` are, if `admin` asks for them. */
  readonly adminUrl: string | undefined;
}

/** Tracing as `vcon-otel serve` has it. */
export interface Service extends Tracing {
  /** Where `/healthz` and `/readyz` are, beside the admin server. */
  readonly healthUrl: string | undefined;
  /** What components say of themselves, line by line. */
  readonly lines: Readonly<Record<'receivers' | 'exporters' | 'journal', readonly string[]>>;
  readiness(): Readiness;
  /** Has the service go on with a configuration that is read again: as a whole or not at all. Never rejects. */
  reload(read: () => Promise<ConfigReading>): Promise<Reloaded>;
  /** The parts that had not ended when the time for `shutdown` was up. */
  undone(): readonly string[];
}

/** Counts since the start. */
export interface TracingStats extends BridgeStats {
  /** The threads of tracers that have one, by their names. */
  readonly threads: Readonly<Record<string, ThreadState>>;
  /** What somebody should look at in the ledgers of this process, in sentences. */
  readonly ledgerTroubles: readonly string[];
  /** Whether whoever feeds the journal is to wait, and whether its last try to write has failed. */
  readonly journal: { readonly full: boolean; readonly failing: boolean };
  /** What arrived from outside; absent where nothing listens. */
  readonly receivers: ReceiverStats | undefined;
  /** What became of the sampled spans on the way to each exporter: `otlp`, `otlp_file`. */
  readonly exporters: Readonly<Record<string, SpanCounts>>;
}
