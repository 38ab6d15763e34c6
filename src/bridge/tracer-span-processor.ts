import type { Context, MeterProvider } from '@opentelemetry/api';
import type { ReadableSpan, Span, SpanProcessor } from '@opentelemetry/sdk-trace';
import type { Journal } from '../journal/journal.ts';
import { memoryJournal } from '../journal/memory.ts';
import { withDeadline } from '../model/deadline.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import type { ChainEvent } from '../model/event.ts';
import { RarelyLogged } from '../model/rarely-logged.ts';
import { stageOf } from '../model/semconv.ts';
import { emptyVconStore, type VconStore } from '../model/vcon.ts';
import { type BoundTracer, createTracers, isSpanProcessor, type TracerEntry } from './create-tracer.ts';
import { Dispatcher } from './dispatcher.ts';
import { BridgeMetrics } from './metrics.ts';
import { readStart } from './read-span.ts';
import { type ChainStart, RunEvents } from './run-events.ts';
import type { TracerStats } from './tracer-worker.ts';

/** What a chain's configuration tells the bridge. */
export interface BridgedChain {
  /** Its links, for spans that do not carry them. */
  readonly links?: readonly string[] | undefined;
  /** The tracers that hear it: none if empty, all if absent. */
  readonly tracers?: readonly string[] | undefined;
}

export interface TracerSpanProcessorSettings {
  readonly tracers: readonly TracerEntry[];
  /** Where tracers look up vCons. Default: a store that has none. */
  readonly vcons?: VconStore;
  /** The chains that are known; a run of any other is heard by all tracers and counted. Default: not checked. */
  readonly chains?: Readonly<Record<string, BridgedChain>>;
  /** Default: a journal in memory. */
  readonly journal?: Journal;
  /** Ends after this processor, which it is told of to the last. Default: the global one, asked for at the first span. */
  readonly meterProvider?: MeterProvider;
  /** Runs that one tracer may have in hand at once. Default 256. */
  readonly concurrency?: number;
  /** Milliseconds that a single call to a tracer may take. Default 30,000. */
  readonly timeout?: number;
  /** Runs that may be open at once; beyond it the oldest is given up and counted. Default 250,000. */
  readonly maxOpenRuns?: number;
  /** Milliseconds that `forceFlush` and `shutdown` wait for tracers. Default 10,000. */
  readonly drainTimeout?: number;
}

/** What the bridge could not make sense of (DESIGN §4, trouble). */
export type IssueKind =
  | 'rejected_span'
  | 'orphan_span'
  | 'leaked_context'
  | 'unknown_chain'
  | 'repeated_event'
  | 'evicted_run'
  | 'after_shutdown'
  | 'processor_error'
  | 'internal_error';

/** What the bridge has done so far. */
export interface BridgeStats {
  /** Events that were accepted. */
  readonly events: number;
  readonly openRuns: number;
  readonly tracers: Readonly<Record<string, Readonly<TracerStats> & { readonly pending: number }>>;
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
  readonly #maxOpenRuns: number;
  readonly #drainTimeout: number;
  readonly #metersHandedIn: boolean;
  readonly #runs = new Map<string, RunEvents>();
  readonly #issues = new Map<IssueKind, number>();
  readonly #log = new RarelyLogged('vcon-otel/bridge');
  #metrics: BridgeMetrics | undefined;
  #events = 0;
  #ended: Promise<void> | undefined;

  constructor(settings: TracerSpanProcessorSettings) {
    const { tracers, vcons = emptyVconStore, chains, meterProvider } = settings;
    requireDistinct(tracers);
    this.#chains = chains && new Map(Object.entries(chains));
    this.#maxOpenRuns = settings.maxOpenRuns ?? 250_000;
    this.#drainTimeout = settings.drainTimeout ?? 10_000;
    this.#metersHandedIn = meterProvider !== undefined;
    const made = createTracers(tracers, { vcons });
    this.#processors = made.filter((tracer) => isSpanProcessor(tracer));
    this.#dispatcher = new Dispatcher(
      made.filter((tracer): tracer is BoundTracer => !isSpanProcessor(tracer)),
      {
        journal: settings.journal ?? memoryJournal(),
        log: this.#log,
        concurrency: settings.concurrency ?? 256,
        timeout: settings.timeout ?? 30_000,
        hears: (tracer, chain) => this.#chains?.get(chain)?.tracers?.includes(tracer) ?? true,
        took: (seconds, attributes) => this.#metrics?.took(seconds, attributes),
      },
    );
    if (meterProvider) this.#metrics = this.#measure(meterProvider);
  }

  onStart(span: Span, parentContext: Context): void {
    // Not by #guard: a closure for each span is a tenth of what the bridge costs.
    try {
      this.#started(span);
    } catch (error) {
      this.#issue('internal_error', errorType(error));
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
      this.#issue('internal_error', errorType(error));
    }
    for (const processor of this.#processors) this.#guard(() => processor.onEnd(span), 'processor_error');
  }

  /** Resolves when tracers have heard everything so far, or the time for it is up. Never rejects. */
  async forceFlush(): Promise<void> {
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

  /** What was heard and what became of it. */
  stats(): BridgeStats {
    return {
      events: this.#events,
      openRuns: this.#runs.size,
      tracers: Object.fromEntries(
        this.#dispatcher.workers.map(({ name, stats, depth }) => [name, { ...stats, pending: depth }]),
      ),
      issues: Object.fromEntries(this.#issues),
    };
  }

  #started(span: Span): void {
    const facts = readStart(span);
    if (!facts) return;
    this.#metrics ??= this.#measure();
    if (this.#ended) {
      this.#issue('after_shutdown');
      if (facts.stage === 'chain') this.#dispatcher.refuse(span);
      return;
    }
    if (facts.vconUuid === undefined) this.#issue('rejected_span');
    if (facts.stage === 'chain') {
      const { vconUuid } = facts;
      if (vconUuid !== undefined) this.#open(span, { ...facts, vconUuid });
      return;
    }
    const run = this.#parentRun(span);
    if (run?.chain === facts.chain) this.#emit(run.startStep(span, facts));
    else this.#issue('orphan_span');
  }

  #open(span: Span, facts: ChainStart): void {
    const known = this.#chains?.get(facts.chain);
    if (this.#chains && !known) this.#issue('unknown_chain');
    if (this.#parentRun(span)) this.#issue('leaked_context');
    const run = new RunEvents(span, facts, known?.links);
    this.#runs.set(run.id, run);
    if (this.#runs.size > this.#maxOpenRuns) this.#evictOldest();
    this.#dispatcher.open(run.id, run.chain, span);
    this.#emit(run.start(span));
  }

  #finished(span: ReadableSpan): void {
    const stage = stageOf(span.name);
    if (stage === undefined || this.#ended) return;
    const { spanId } = span.spanContext();
    if (stage === 'chain') {
      const run = this.#runs.get(spanId);
      if (!run) return;
      this.#runs.delete(spanId);
      this.#emit(run.end(span));
      this.#dispatcher.close(spanId);
      return;
    }
    const run = this.#parentRun(span);
    if (!run) return;
    if (!run.isOpen(spanId)) {
      // A recorder that adds its attributes after the start: only now can the span be told to be ours.
      const facts = readStart(span);
      if (!facts || facts.stage === 'chain') return;
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
    this.#issue('evicted_run');
  }

  #emit(event: ChainEvent): void {
    if (this.#dispatcher.accept(event)) this.#events += 1;
    else this.#issue('repeated_event');
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
          this.#issue('processor_error', errorType(error));
        }
      }),
    );
  }

  #guard(call: () => void, kind: IssueKind): void {
    try {
      call();
    } catch (error) {
      this.#issue(kind, errorType(error));
    }
  }

  #measure(provider?: MeterProvider): BridgeMetrics {
    return new BridgeMetrics({ workers: this.#dispatcher.workers, issues: this.#issues }, provider);
  }

  #issue(kind: IssueKind, detail?: string): void {
    this.#issues.set(kind, (this.#issues.get(kind) ?? 0) + 1);
    this.#log.warn(`issue ${kind}`, ['bridge:', kind.replaceAll('_', ' '), detail].filter(Boolean).join(' '));
  }
}

function requireDistinct(tracers: readonly TracerEntry[]): void {
  const names = new Set<string>();
  for (const { name } of tracers) {
    if (names.has(name))
      throw new VconOtelError('CONFIG_INVALID', `two tracers are called ${name}`, {
        path: `tracers.${name}`,
      });
    names.add(name);
  }
}
