import type { MeterProvider } from '@opentelemetry/api';
import { GuardedProcessors } from '../bridge/guarded-processors.ts';
import type { BoundTracer } from '../delivery/bound-tracer.ts';
import { createTracers, isEnabled, isSpanProcessor, type LoadedTracer } from '../delivery/create-tracer.ts';
import { Dispatcher } from '../delivery/dispatcher.ts';
import { DeliveryMetrics } from '../delivery/metrics.ts';
import type { Completed } from '../delivery/tracer-calls.ts';
import { memoryJournal } from '../journal/memory.ts';
import type { IssueKind } from '../model/bridge-issues.ts';
import { systemClock } from '../model/clock.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import type { ChainEvent } from '../model/event.ts';
import type { EventSink } from '../model/event-sink.ts';
import { Issues } from '../model/issues.ts';
import { ThrottledLog } from '../model/throttled-log.ts';
import type { TracerSettings } from '../model/tracer.ts';
import { emptyVconStore } from '../model/vcon.ts';
import { SharedReads } from '../vcon-store/shared-reads.ts';
import { tracerModule } from './tracer-modules.ts';
import {
  type BridgedChain,
  requireSettings,
  type TracerEntry,
  type TracerSpanProcessorSettings,
} from './tracer-span-processor-settings.ts';

/**
 * The tracers of a process, and what hands them the events of runs, whether these were live or heard from outside.
 * @throws VconOtelError from the constructor, when a tracer cannot be made
 */
export class TracerDelivery implements EventSink {
  readonly issues: Issues<IssueKind>;
  /** Tracers that want the spans themselves. */
  readonly processors: GuardedProcessors;
  /** Milliseconds that tracers are waited for. */
  readonly drainTimeout: number;
  /** What is configured of chains; undefined where nothing is. */
  chains: ReadonlyMap<string, BridgedChain> | undefined;
  /** The tracers that look up documents in the vCon store. */
  readonly vconReaders: readonly string[];
  readonly #dispatcher: Dispatcher;
  readonly #isKnownElsewhere: (chain: string) => boolean;
  readonly #metersHandedIn: boolean;
  readonly #reads: SharedReads;
  readonly #host: Omit<TracerSettings, 'name'>;
  #metrics: DeliveryMetrics | undefined;
  #events = 0;

  constructor(settings: TracerSpanProcessorSettings) {
    const { tracers, vcons = emptyVconStore, meterProvider } = settings;
    requireSettings(settings);
    const log = new ThrottledLog('vcon-otel/bridge');
    const issues = new Issues<IssueKind>('bridge', log);
    const chains = settings.chains && new Map(Object.entries(settings.chains));
    this.issues = issues;
    this.chains = chains;
    this.drainTimeout = settings.drainTimeout ?? 10_000;
    this.#isKnownElsewhere = settings.isKnownChain ?? (() => false);
    this.#metersHandedIn = meterProvider !== undefined;
    const reads = new SharedReads(vcons, systemClock);
    this.#reads = reads;
    this.#host = { vcons: reads, ...(meterProvider && { meterProvider }) };
    const made = createTracers(loadedOf(tracers), this.#host);
    this.processors = new GuardedProcessors(
      made.filter((tracer) => isSpanProcessor(tracer)),
      (error) => issues.add('processor_error', error),
      this.drainTimeout,
    );
    const bound = made.filter((tracer): tracer is BoundTracer => !isSpanProcessor(tracer));
    this.vconReaders = bound.filter((tracer) => tracer.readsVcons).map(({ name }) => name);
    if (!settings.vcons)
      for (const name of this.vconReaders)
        log.warn(`vcons ${name}`, `tracer ${name} looks up vCons, and there are none: hand in \`vcons\``);
    this.#dispatcher = new Dispatcher(bound, {
      journal: settings.journal ?? memoryJournal(),
      log,
      hears: (tracer, chain) => this.chains?.get(chain)?.tracers?.includes(tracer) ?? true,
      took: (seconds, attributes) => this.#metrics?.took(seconds, attributes),
      completed: guarded(settings.completed, issues),
      clock: systemClock,
      repeated: (count) => {
        this.#events -= count;
        issues.add('repeated_event', undefined, count);
      },
      trouble: (kind, detail) => issues.add(kind, detail),
    });
    if (meterProvider) this.measure(meterProvider);
  }

  /** Events that were accepted, but for those that were kept already. */
  get events(): number {
    return this.#events;
  }

  get workers(): Dispatcher['workers'] {
    return this.#dispatcher.workers;
  }

  /** Told of each call that a tracer answered well. */
  set completed(completed: Completed | undefined) {
    this.#dispatcher.completed = guarded(completed, this.issues);
  }

  /** See `Dispatcher.rest`. */
  rest(names: readonly string[]): Promise<void> {
    return this.#dispatcher.rest(names, this.drainTimeout);
  }

  /**
   * Makes tracers that are to {@link exchange} others, or none.
   * @throws VconOtelError as `createTracer`; `CONFIG_INVALID` for one that wants the spans themselves
   */
  make(entries: readonly TracerEntry[]): BoundTracer[] {
    const made = createTracers(loadedOf(entries), this.#host);
    const bound = made.filter((tracer): tracer is BoundTracer => !isSpanProcessor(tracer));
    if (bound.length === made.length) return bound;
    for (const tracer of made) void (isSpanProcessor(tracer) ? tracer : tracer.tracer).shutdown?.();
    throw new VconOtelError(
      'CONFIG_INVALID',
      'a tracer that takes spans cannot be added while the service runs',
    );
  }

  /** See `Dispatcher.exchange`; @param chains what is configured of chains from now on */
  exchange(
    rested: readonly string[],
    tracers: readonly BoundTracer[],
    chains: TracerSpanProcessorSettings['chains'],
  ): Promise<void> {
    this.chains = chains && new Map(Object.entries(chains));
    return this.#dispatcher.exchange(rested, tracers);
  }

  accept(event: ChainEvent): void {
    const { stage, phase, chain } = event;
    this.#events += 1;
    const isKnown = !this.chains || this.chains.has(chain) || this.#isKnownElsewhere(chain);
    if (!isKnown && stage === 'chain' && phase === 'start') this.issues.add('unknown_chain');
    this.#dispatcher.accept(event);
  }

  abandon(runId: string): void {
    this.#dispatcher.abandon(runId);
  }

  isAwaited(chain: string): boolean {
    return this.#dispatcher.isAwaited(chain);
  }

  delivered(runId: string, patiently?: boolean): Promise<void> {
    return this.#dispatcher.delivered(runId, patiently);
  }

  durable(): Promise<void> {
    return this.#dispatcher.durable();
  }

  get full(): boolean {
    return this.#dispatcher.full;
  }

  room(): Promise<void> {
    return this.#dispatcher.room();
  }

  /** Has what tracers do measured, once. @param provider default: the global one */
  measure(provider?: MeterProvider): void {
    this.#metrics ??= new DeliveryMetrics(
      { queue: this.#dispatcher, reads: this.#reads, issues: this.issues },
      provider,
    );
  }

  /** Resolves when tracers have heard everything so far, or the time for it is up. Never rejects. */
  async flush(): Promise<void> {
    await this.#dispatcher.flush(this.drainTimeout);
    await this.processors.forceFlush();
  }

  /** As {@link flush}, then ends the tracers. Never rejects. */
  async end(): Promise<void> {
    await this.#dispatcher.shutdown(this.drainTimeout);
    await this.processors.shutdown();
    // A provider that was handed in ends after this, and its last export is to have the last counts.
    if (!this.#metersHandedIn) this.#metrics?.release();
  }
}

/** Those that are enabled, with their modules. @throws VconOtelError `MODULE_NOT_FOUND` */
function loadedOf(entries: readonly TracerEntry[]): LoadedTracer[] {
  return entries
    .filter(isEnabled)
    .map((entry) => ({ ...entry, module: tracerModule(entry.name, entry.module) }));
}

/** In the middle of a delivery, what it throws would be taken for the tracer's. */
function guarded(completed: Completed | undefined, issues: Issues<IssueKind>): Completed | undefined {
  if (!completed) return undefined;
  return (...call) => {
    try {
      completed(...call);
    } catch (error) {
      issues.add('internal_error', errorType(error));
    }
  };
}
