import type { ReadableSpan, Span, SpanProcessor } from '@opentelemetry/sdk-trace';
import type { IssueKind } from '../model/bridge-issues.ts';
import { chainEvent } from '../model/chain-event.ts';
import { holdForDelivery, holdForRoom } from '../model/delivery.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import type { EventSink } from '../model/event-sink.ts';
import type { GrowingStep } from '../model/growing-run.ts';
import type { Run, RunObserver } from '../model/run.ts';
import { stageOf } from '../model/semconv.ts';
import { decodeStart } from '../model/span-codec.ts';
import { type ChainStart, LiveRun } from './live-run.ts';

/** What a {@link SpanBridge} is handed. */
export interface SpanBridgeSettings {
  /** Where events go. */
  readonly sink: EventSink;
  /** Are shown runs while they grow. */
  readonly observers?: readonly RunObserver[];
  /** Whether observers want to see the steps of a run, not only one by one as they end. Default false. */
  readonly keepsSteps?: boolean;
  /** Is told of whatever is wrong. @param detail an `error.type` */
  issue(kind: IssueKind, detail?: string): void;
  /** Runs that may be open at once; beyond it the oldest is given up and counted. */
  readonly maxOpenRuns: number;
  /** A chain's links, for spans that do not carry them. */
  links?(chain: string): readonly string[] | undefined;
  /** Is told once, when the first span of ours begins. */
  first?(): void;
}

/**
 * Where the spans of this process become runs and events (DESIGN §4): in any OpenTelemetry SDK, 2.x or 3.x, spans are only
 * read here. Nothing is thrown at the application, and nothing waits.
 */
export class SpanBridge implements SpanProcessor {
  readonly #settings: SpanBridgeSettings;
  readonly #sink: EventSink;
  readonly #observers: readonly RunObserver[];
  readonly #runs = new Map<string, LiveRun>();
  #begun = false;
  #ended = false;

  constructor(settings: SpanBridgeSettings) {
    this.#settings = settings;
    this.#sink = settings.sink;
    this.#observers = settings.observers ?? [];
  }

  /** Runs that have begun and not ended. */
  get openRuns(): number {
    return this.#runs.size;
  }

  onStart(span: Span): void {
    try {
      this.#started(span);
    } catch (error) {
      this.#settings.issue('internal_error', errorType(error));
    }
  }

  onEnd(span: ReadableSpan): void {
    try {
      this.#finished(span);
    } catch (error) {
      this.#settings.issue('internal_error', errorType(error));
    }
  }

  async forceFlush(): Promise<void> {}

  /** Takes no more spans: they are counted. Safe twice. */
  stop(): void {
    this.#ended = true;
  }

  /** As {@link stop}, and gives up the runs that are open. */
  async shutdown(): Promise<void> {
    this.stop();
    for (const { run } of this.#runs.values()) this.#show((observer) => observer.abandoned(run));
    this.#runs.clear();
  }

  #started(span: Span): void {
    const facts = decodeStart(span);
    if (!facts) return;
    if (!this.#begun) {
      this.#begun = true;
      this.#settings.first?.();
    }
    if (this.#ended) {
      this.#settings.issue('after_shutdown');
      if (facts.stage === 'chain') this.#refuse(span, facts.chain);
      return;
    }
    if (facts.vconUuid === undefined) this.#settings.issue('rejected_span');
    if (facts.stage === 'chain') {
      const { vconUuid } = facts;
      if (vconUuid !== undefined) this.#open(span, { ...facts, vconUuid });
      return;
    }
    const live = this.#parentRun(span);
    if (live?.run.chain === facts.chain) this.#tell(live, live.startStep(span, facts));
    else this.#settings.issue('orphan_span');
  }

  #open(span: Span, facts: ChainStart): void {
    const { spanId } = span.spanContext();
    if (this.#runs.has(spanId)) {
      this.#settings.issue('repeated_event');
      return;
    }
    const { links, keepsSteps = false } = this.#settings;
    if (this.#parentRun(span)) this.#settings.issue('leaked_context');
    const live = new LiveRun(span, facts, links?.(facts.chain), keepsSteps);
    this.#runs.set(spanId, live);
    if (this.#runs.size > this.#settings.maxOpenRuns) this.#evictOldest();
    this.#hold(span, live.run);
    this.#tell(live);
    this.#show((observer) => observer.began(live.run));
  }

  /** Whoever runs the chain waits for these before it goes on. */
  #hold(chainSpan: Span, { runId, chain }: Run): void {
    const sink = this.#sink;
    if (sink.isAwaited(chain)) holdForDelivery(chainSpan, () => sink.delivered(runId));
    if (sink.full) holdForRoom(chainSpan, () => sink.room());
  }

  /** A chain that starts after the end: whoever must be sure that it is heard is told, nobody else is disturbed. */
  #refuse(chainSpan: Span, chain: string): void {
    if (!this.#sink.isAwaited(chain)) return;
    const error = new VconOtelError('TRACER_FAILED', 'tracers have been shut down');
    holdForDelivery(chainSpan, () => Promise.reject(error));
  }

  #finished(span: ReadableSpan): void {
    const stage = stageOf(span.name);
    if (this.#ended) {
      if (stage && decodeStart(span)) this.#settings.issue('after_shutdown');
      return;
    }
    if (stage === 'link' || stage === 'storage') this.#finishStep(span);
    // Whatever a span that began a run is called by now, its run is over.
    else this.#finishRun(span);
  }

  #finishRun(span: ReadableSpan): void {
    const { spanId } = span.spanContext();
    const live = this.#runs.get(spanId);
    if (!live) return;
    this.#runs.delete(spanId);
    // They end later, or never; either way no tracer hears their end.
    for (let i = 0; i < live.unfinished; i += 1) this.#settings.issue('unfinished_step');
    live.end(span);
    this.#tell(live);
    this.#show((observer) => observer.ended(live.run));
  }

  #finishStep(span: ReadableSpan): void {
    const live = this.#parentRun(span);
    if (!live) return;
    if (!live.isOpen(span.spanContext().spanId)) {
      // A recorder that adds its attributes after the start: only now can the span be told to be ours.
      const facts = decodeStart(span);
      if (!facts || facts.stage === 'chain' || facts.chain !== live.run.chain) return;
      this.#tell(live, live.startStep(span, facts));
    }
    const step = live.endStep(span);
    if (!step) return;
    this.#tell(live, step);
    this.#show((observer) => observer.stepEnded(live.run, step));
  }

  #parentRun(span: ReadableSpan): LiveRun | undefined {
    const parent = span.parentSpanContext?.spanId;
    return parent === undefined ? undefined : this.#runs.get(parent);
  }

  #evictOldest(): void {
    const [oldest] = this.#runs.values();
    if (!oldest) return;
    const { run } = oldest;
    this.#runs.delete(run.runId);
    this.#sink.abandon(run.runId);
    this.#show((observer) => observer.abandoned(run));
    this.#settings.issue('evicted_run');
  }

  /** Says what has just become known of a run, or of a step of it. */
  #tell({ run }: LiveRun, step?: GrowingStep): void {
    this.#sink.accept(chainEvent(run, step));
  }

  #show(what: (observer: RunObserver) => void): void {
    for (const observer of this.#observers)
      try {
        what(observer);
      } catch (error) {
        this.#settings.issue('internal_error', errorType(error));
      }
  }
}
