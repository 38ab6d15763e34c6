import type { Context, MeterProvider } from '@opentelemetry/api';
import type { ReadableSpan, Span, SpanProcessor } from '@opentelemetry/sdk-trace';
import { memoryJournal } from '../journal/memory.ts';
import { withDeadline } from '../model/deadline.ts';
import { errorType } from '../model/error.ts';
import type { ChainEvent } from '../model/event.ts';
import { Issues } from '../model/issues.ts';
import { RarelyLogged } from '../model/rarely-logged.ts';
import { stageOf } from '../model/semconv.ts';
import { emptyVconStore } from '../model/vcon.ts';
import type { CircuitState } from './circuit-breaker.ts';
import { type BoundTracer, createTracers, isSpanProcessor } from './create-tracer.ts';
import { Dispatcher } from './dispatcher.ts';
import type { IssueKind } from './issues.ts';
import { BridgeMetrics } from './metrics.ts';
import { readStart } from './read-span.ts';
import { type ChainStart, RunEvents } from './run-events.ts';
import { type BridgedChain, requireSettings, type TracerSpanProcessorSettings } from './settings.ts';
import type { Completed } from './tracer-calls.ts';
import type { TracerStats } from './tracer-worker.ts';

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
 * What tracers do never reaches the application: spans are only read here, and the calls are made later, outside
 * the trace they speak of.
 * @throws VconOtelError from the constructor, when a tracer cannot be made; never afterwards
 */
export class TracerSpanProcessor implements SpanProcessor {
  readonly #dispatcher: Dispatcher;
  readonly #processors: readonly SpanProcessor[];
  readonly #chains: ReadonlyMap<string, BridgedChain> | undefined;
  readonly #isKnownChain: (chain: string) => boolean;
  readonly #maxOpenRuns: number;
  readonly #drainTimeout: number;
  readonly #metersHandedIn: boolean;
  readonly #runs = new Map<string, RunEvents>();
  readonly #issues: Issues<IssueKind>;
  #metrics: BridgeMetrics | undefined;
  #events = 0;
  #ended: Promise<void> | undefined;

  constructor(settings: TracerSpanProcessorSettings) {
    const { tracers, vcons = emptyVconStore, chains, meterProvider } = settings;
    requireSettings(settings);
    const log = new RarelyLogged('vcon-otel/bridge');
    this.#issues = new Issues('bridge', log);
    this.#chains = chains && new Map(Object.entries(chains));
    this.#isKnownChain = settings.isKnownChain ?? (() => false);
    this.#maxOpenRuns = settings.maxOpenRuns ?? 250_000;
    this.#drainTimeout = settings.drainTimeout ?? 10_000;
    this.#metersHandedIn = meterProvider !== undefined;
    const made = createTracers(tracers, { vcons, ...(meterProvider && { meterProvider }) });
    this.#processors = made.filter((tracer) => isSpanProcessor(tracer));
    this.#dispatcher = new Dispatcher(
      made.filter((tracer): tracer is BoundTracer => !isSpanProcessor(tracer)),
      {
        journal: settings.journal ?? memoryJournal(),
        log,
        hears: (tracer, chain) => this.#chains?.get(chain)?.tracers?.includes(tracer) ?? true,
        took: (seconds, attributes) => this.#metrics?.took(seconds, attributes),
        completed: this.#guarded(settings.completed),
        repeated: () => {
          this.#events -= 1;
          this.#issues.add('repeated_event');
        },
        trouble: (kind, detail) => this.#issues.add(kind, detail),
      },
    );
    if (meterProvider) this.#metrics = this.#measure(meterProvider);
  }

  onStart(span: Span, parentContext: Context): void {
    // Not by #guard, which would take a closure for each span.
    try {
      this.#started(span);
    } catch (error) {
      this.#issues.add('internal_error', errorType(error));
    }
    for (const processor of this.#processors)
      this.#guard(() => processor.onStart(span, parentContext), 'processor_error');
  }

  onEnding(span: Span): void {
    for (const processor of this.#processors)
      this.#guard(() => processor.onEnding?.(span), 'processor_error');
  }

  onEnd(span: ReadableSpan): void {
    try {
      this.#finished(span);
    } catch (error) {
      this.#issues.add('internal_error', errorType(error));
    }
    for (const processor of this.#processors) this.#guard(() => processor.onEnd(span), 'processor_error');
  }

  /** Resolves when tracers have heard everything so far, or the time for it is up. Never rejects. */
  async forceFlush(): Promise<void> {
    if (this.#ended) return this.#ended;
    await this.#dispatcher.flush(this.#drainTimeout);
    await this.#eachProcessor((processor) => processor.forceFlush());
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
    return this.#dispatcher.full;
  }

  /** Resolves when it is not {@link full}. `runChain` waits for it by itself. */
  room(): Promise<void> {
    return this.#dispatcher.room();
  }

  /** What was heard and what became of it. */
  stats(): BridgeStats {
    return {
      events: this.#events,
      openRuns: this.#runs.size,
      tracers: Object.fromEntries(
        this.#dispatcher.workers.map((worker) => [
          worker.name,
          {
            ...worker.stats,
            pending: worker.depth,
            circuit: worker.circuit,
            retrying: worker.retrying,
            deadLetters: worker.deadLetters,
            oldestAge: worker.oldestAge(Date.now()),
          },
        ]),
      ),
      issues: this.#issues.all(),
    };
  }

  #started(span: Span): void {
    const facts = readStart(span);
    if (!facts) return;
    this.#metrics ??= this.#measure();
    if (this.#ended) {
      this.#issues.add('after_shutdown');
      if (facts.stage === 'chain') this.#dispatcher.refuse(facts.chain, span);
      return;
    }
    if (facts.vconUuid === undefined) this.#issues.add('rejected_span');
    if (facts.stage === 'chain') {
      const { vconUuid } = facts;
      if (vconUuid !== undefined) this.#open(span, { ...facts, vconUuid });
      return;
    }
    const run = this.#parentRun(span);
    if (run?.chain === facts.chain) this.#emit(run.startStep(span, facts));
    else this.#issues.add('orphan_span');
  }

  #open(span: Span, facts: ChainStart): void {
    const known = this.#chains?.get(facts.chain);
    if (this.#chains && !known && !this.#isKnownChain(facts.chain)) this.#issues.add('unknown_chain');
    if (this.#parentRun(span)) this.#issues.add('leaked_context');
    const run = new RunEvents(span, facts, known?.links);
    this.#runs.set(run.id, run);
    if (this.#runs.size > this.#maxOpenRuns) this.#evictOldest();
    this.#dispatcher.open(run.id, run.chain, span);
    this.#emit(run.start(span));
  }

  #finished(span: ReadableSpan): void {
    const stage = stageOf(span.name);
    if (stage === undefined) return;
    if (this.#ended) {
      if (readStart(span)) this.#issues.add('after_shutdown');
      return;
    }
    const { spanId } = span.spanContext();
    if (stage === 'chain') {
      const run = this.#runs.get(spanId);
      if (!run) return;
      this.#runs.delete(spanId);
      // They end later, or never; either way no tracer hears their end.
      for (let i = 0; i < run.unfinished; i += 1) this.#issues.add('unfinished_step');
      this.#emit(run.end(span));
      this.#dispatcher.close(spanId);
      return;
    }
    const run = this.#parentRun(span);
    if (!run) return;
    if (!run.isOpen(spanId)) {
      // A recorder that adds its attributes after the start: only now can the span be told to be ours.
      const facts = readStart(span);
      if (!facts || facts.stage === 'chain' || facts.chain !== run.chain) return;
      this.#emit(run.startStep(span, facts));
    }
    const event = run.endStep(span);
    if (event) this.#emit(event);
  }

  #parentRun(span: ReadableSpan): RunEvents | undefined {
    const parent = span.parentSpanContext?.spanId;
    return parent === undefined ? undefined : this.#runs.get(parent);
  }

  #evictOldest(): void {
    const [oldest] = this.#runs.keys();
    if (oldest === undefined) return;
    this.#runs.delete(oldest);
    this.#dispatcher.abandon(oldest);
    this.#issues.add('evicted_run');
  }

  #emit(event: ChainEvent): void {
    this.#events += 1;
    this.#dispatcher.accept(event);
  }

  async #end(): Promise<void> {
    await this.#dispatcher.shutdown(this.#drainTimeout);
    await this.#eachProcessor((processor) => processor.shutdown());
    // A provider that was handed in ends after this, and its last export is to have the last counts.
    if (!this.#metersHandedIn) this.#metrics?.release();
    this.#runs.clear();
  }

  async #eachProcessor(work: (processor: SpanProcessor) => Promise<void>): Promise<void> {
    await Promise.all(
      this.#processors.map(async (processor) => {
        try {
          await withDeadline(work(processor), this.#drainTimeout, "a tracer's span processor");
        } catch (error) {
          this.#issues.add('processor_error', errorType(error));
        }
      }),
    );
  }

  #guard(call: () => void, kind: IssueKind): void {
    try {
      call();
    } catch (error) {
      this.#issues.add(kind, errorType(error));
    }
  }

  /** In the middle of a delivery, what it throws would be taken for the tracer's. */
  #guarded(completed: Completed | undefined): Completed | undefined {
    return completed && ((...call) => this.#guard(() => completed(...call), 'internal_error'));
  }

  #measure(provider?: MeterProvider): BridgeMetrics {
    return new BridgeMetrics({ queue: this.#dispatcher, issues: this.#issues }, provider);
  }
}
