import type { Context } from '@opentelemetry/api';
import type { ReadableSpan, Span, SpanProcessor } from '@opentelemetry/sdk-trace';
import { SpanBridge } from '../bridge/span-bridge.ts';
import type { CircuitState } from '../delivery/circuit-breaker.ts';
import type { TracerStats } from '../delivery/tracer-stats.ts';
import type { IssueKind } from '../model/bridge-issues.ts';
import type { RunObserver } from '../model/run.ts';
import { TracerDelivery } from './tracer-delivery.ts';
import type { TracerSpanProcessorSettings } from './tracer-span-processor-settings.ts';

/** One tracer: what it was told, and how it stands. */
export interface TracerState extends Readonly<TracerStats> {
  /** Events still to be heard. */
  readonly pending: number;
  /** `open`: left alone, because it does not answer; `half_open`: tried with a single event. */
  readonly circuit: CircuitState;
  /** Runs of which an event has failed and is tried again. */
  readonly retrying: number;
  /** Events given up that the journal keeps. */
  readonly deadLetters: number;
  /** Age in seconds of the oldest event still to be heard; 0 if there is none. */
  readonly oldestAge: number;
}

/** What the bridge has done so far. */
export interface BridgeStats {
  /** Events that were accepted. */
  readonly events: number;
  readonly openRuns: number;
  readonly tracers: Readonly<Record<string, TracerState>>;
  readonly issues: Readonly<Partial<Record<IssueKind, number>>>;
}

/**
 * Turns the life of chain, link and storage spans into calls of the conserver's tracer interface. Add it to the
 * `spanProcessors` of any OpenTelemetry SDK, 2.x or 3.x:
 *
 * ```ts
 * new NodeSDK({ spanProcessors: [new TracerSpanProcessor({ tracers: [{ name: 'mine', module: myTracer }] })] })
 * ```
 * The tracers that come with the package have the same names as in a configuration (`module: 'tracers.compliance'`).
 * What tracers do never reaches the application: spans are only read here, and the calls are made later, outside
 * the trace they speak of.
 * @throws VconOtelError from the constructor, when a tracer cannot be made; never afterwards
 */
export class TracerSpanProcessor implements SpanProcessor {
  readonly #bridge: SpanBridge;
  readonly #delivery: TracerDelivery;
  #ended: Promise<void> | undefined;

  /**
   * @param delivery what is made of the settings, where somebody else hands it events as well
   * @param observers are shown the runs of this process while they grow
   * @param keepsSteps whether they look at the steps of a run as a whole
   */
  constructor(
    settings: TracerSpanProcessorSettings,
    delivery = new TracerDelivery(settings),
    observers: readonly RunObserver[] = [],
    keepsSteps = false,
  ) {
    const { issues } = delivery;
    this.#delivery = delivery;
    this.#bridge = new SpanBridge({
      sink: delivery,
      observers,
      keepsSteps,
      issue: (kind, detail) => issues.add(kind, detail),
      maxOpenRuns: settings.maxOpenRuns ?? 250_000,
      links: (chain) => delivery.chains?.get(chain)?.links,
      first: () => delivery.measure(),
    });
  }

  onStart(span: Span, parentContext: Context): void {
    this.#bridge.onStart(span);
    this.#delivery.processors.onStart(span, parentContext);
  }

  onEnding(span: Span): void {
    this.#delivery.processors.onEnding(span);
  }

  onEnd(span: ReadableSpan): void {
    this.#bridge.onEnd(span);
    this.#delivery.processors.onEnd(span);
  }

  /** Resolves when tracers have heard everything so far, or the time for it is up. Never rejects. */
  async forceFlush(): Promise<void> {
    await (this.#ended ?? this.#delivery.flush());
  }

  /**
   * Lets tracers hear what is left, as far as the time for it goes, then ends them. Spans that come later are
   * ignored and counted. Safe twice; never rejects.
   */
  shutdown(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  /** Whether whoever feeds spans to this processor should come back later: the journal is full, and is to block then. */
  get full(): boolean {
    return this.#delivery.full;
  }

  /** Resolves when it is not {@link full}. `runChain` waits for it by itself. */
  room(): Promise<void> {
    return this.#delivery.room();
  }

  /** What was heard and what became of it. */
  stats(): BridgeStats {
    const { events, workers, issues } = this.#delivery;
    return {
      events,
      openRuns: this.#bridge.openRuns,
      tracers: Object.fromEntries(
        workers.map((worker) => [
          worker.name,
          {
            ...worker.stats,
            pending: worker.depth,
            circuit: worker.circuit,
            retrying: worker.retrying,
            deadLetters: worker.deadLetters,
            oldestAge: worker.oldestAge,
          },
        ]),
      ),
      issues: issues.all(),
    };
  }

  async #end(): Promise<void> {
    this.#bridge.stop();
    await this.#delivery.end();
    await this.#bridge.shutdown();
  }
}
