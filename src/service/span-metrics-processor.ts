import { type MeterProvider, metrics } from '@opentelemetry/api';
import type { ReadableSpan, Span, SpanProcessor } from '@opentelemetry/sdk-trace';
import { RunMetrics } from '../exporters/run-metrics.ts';
import { stageOf } from '../model/semconv.ts';
import { decodeEnd, decodeStart, outcomeOf } from '../model/span-codec.ts';

/** What code hands to a {@link SpanMetricsProcessor}. */
export interface SpanMetricsSettings {
  /** Where the metrics go, told of to the last; the global one, looked up at the first span of ours, by default. */
  readonly meterProvider?: MeterProvider;
}

/** Runs looked after at the same time. Beyond it the oldest is given up: most likely it was left open for good. */
const MAX_OPEN = 200_000;

/**
 * Makes the metrics of chains, links and storages from their spans (DESIGN §6), sampled or not: durations with
 * their outcome, and the runs under way. One record for each span that ends, none when one starts.
 */
export class SpanMetricsProcessor implements SpanProcessor {
  readonly #metrics: RunMetrics;
  readonly #metersHandedIn: boolean;
  /** By the span id of the chain span, oldest first: what the span itself does not say at its end. */
  readonly #open = new Map<string, OpenChain>();

  constructor(settings: SpanMetricsSettings = {}) {
    this.#metrics = new RunMetrics(settings.meterProvider ?? metrics, () => false);
    this.#metersHandedIn = settings.meterProvider !== undefined;
  }

  onStart(span: Span): void {
    if (stageOf(span.name) !== 'chain') return;
    const facts = decodeStart(span);
    const { spanId } = span.spanContext();
    if (!facts || this.#open.has(spanId)) return;
    const [oldest] = this.#open.size >= MAX_OPEN ? this.#open.keys() : [];
    if (oldest !== undefined) this.#close(oldest);
    this.#open.set(spanId, { chain: facts.chain, linkError: undefined });
    this.#metrics.began(facts);
  }

  onEnd(span: ReadableSpan): void {
    const stage = stageOf(span.name);
    // Whatever a span that began a run is called by now, its run is over.
    const isStep = stage === 'link' || stage === 'storage';
    const linkError = isStep ? undefined : this.#close(span.spanContext().spanId)?.linkError;
    if (stage !== undefined) this.#measure(span, linkError);
  }

  async forceFlush(): Promise<void> {}

  /** Forgets the runs under way. Safe twice. */
  async shutdown(): Promise<void> {
    for (const spanId of this.#open.keys()) this.#close(spanId);
    // A provider that was handed in ends after this, and its last export is to say that nothing is under way.
    if (!this.#metersHandedIn) this.#metrics.release();
  }

  #close(spanId: string): OpenChain | undefined {
    const chain = this.#open.get(spanId);
    if (!chain) return undefined;
    this.#open.delete(spanId);
    this.#metrics.abandoned(chain);
    return chain;
  }

  /** @param linkError the `error.type` of the first link of a chain that failed, if one did */
  #measure(span: ReadableSpan, linkError: string | undefined): void {
    const facts = decodeStart(span);
    if (!facts) return;
    const { chain, stage } = facts;
    const end = decodeEnd(span, stage);
    const errorType = end.failed ? end.errorType : linkError;
    const parent = span.parentSpanContext && this.#open.get(span.parentSpanContext.spanId);
    if (parent && stage === 'link') parent.linkError ??= errorType;
    const [seconds, nanoseconds] = span.duration;
    this.#metrics.measure(chain, stage, stage === 'chain' ? chain : facts.name, {
      duration: seconds + nanoseconds / 1e9,
      outcome: linkError === undefined ? outcomeOf(end, stage) : 'error',
      errorType,
    });
  }
}

interface OpenChain {
  readonly chain: string;
  linkError: string | undefined;
}
