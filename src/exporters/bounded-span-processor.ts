import { getHeapStatistics } from 'node:v8';
import { type Counter, diag, type MeterProvider, metrics, TraceFlags } from '@opentelemetry/api';
import {
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';
import { withDeadline } from '../model/deadline.ts';
import { errorType } from '../model/error.ts';
import { ATTR, METRIC, SCOPE_NAME } from '../model/semconv.ts';
import { ExportQueue } from './export-queue.ts';
import { LossLog } from './loss-log.ts';

const log = diag.createComponentLogger({ namespace: 'vcon-otel/exporters' });

/** How spans are batched. The first four are OpenTelemetry's `OTEL_BSP_*`; all are positive integers. */
export interface BatchSettings {
  /**
   * Spans that may wait or be under way. What ends beyond that is dropped and counted. 262,144 by default, or what fits
   * into a fifth of Node's heap: a span takes about 1 kB.
   */
  readonly maxQueueSize?: number;
  /** Spans in one export; 2,048 by default. */
  readonly maxExportBatchSize?: number;
  /** Milliseconds until a batch that is not full is sent; 5,000 by default. */
  readonly scheduledDelayMillis?: number;
  /** Milliseconds after which a try counts as failed; 30,000 by default. */
  readonly exportTimeoutMillis?: number;
  /** After a failed try that may pass, a random part of these milliseconds passes; doubles while it fails; 1,000 by default. */
  readonly retryMillis?: number;
  /** Milliseconds beyond which that does not grow; 10,000 by default. */
  readonly maxRetryMillis?: number;
  /** Milliseconds for a last try at `shutdown`, before what is pending counts as dropped; 10,000 by default. */
  readonly shutdownMillis?: number;
  /** Where the losses are counted; the global one, looked up at the first count, by default. */
  readonly meterProvider?: MeterProvider;
}

/** What became of the sampled spans so far. Their sum is the number of sampled spans that ended. */
export interface SpanCounts {
  readonly exported: number;
  /** Handed to the exporter, which reported an error that will not pass, or any at shutdown. */
  readonly failed: number;
  /** The queue was full, or time ran out at shutdown. */
  readonly dropped: number;
  /** Under way, or kept until they can be sent. */
  readonly pending: number;
}

/**
 * Batches sampled spans for an exporter and accounts for every one of them: in {@link BoundedSpanProcessor.counts},
 * in the metric `vcon.exporter.spans`, and, if any are lost, in a log line. A failure is final unless its error has
 * `permanent: false`, as our exporters say of an endpoint that is down: then the spans are kept while there is room, and
 * sent again until they have arrived. Whoever gets a span twice knows it by its id.
 */
export function batchSpans(exporter: SpanExporter, settings: BatchSettings = {}): BoundedSpanProcessor {
  return new BoundedSpanProcessor(exporter, settings);
}

/**
 * The SDK's batch span processor behind a gate. The SDK's own queue drops in silence when it is full; the gate has
 * the same limit and counts what is under way too, so that queue never overflows and memory stays bounded.
 */
export class BoundedSpanProcessor implements SpanProcessor {
  readonly #batcher: BatchSpanProcessor;
  readonly #queue: ExportQueue;
  readonly #losses = new LossLog();
  readonly #limit: number;
  readonly #shutdownMillis: number;
  readonly #meterProvider: MeterProvider;
  #counter: Counter | undefined;
  #exported = 0;
  #failed = 0;
  #dropped = 0;
  #pending = 0;
  #shutdown: Promise<void> | undefined;

  constructor(exporter: SpanExporter, settings: BatchSettings) {
    const {
      maxQueueSize = queueThatFits(),
      maxExportBatchSize = 2_048,
      exportTimeoutMillis = 30_000,
    } = settings;
    this.#limit = maxQueueSize;
    this.#shutdownMillis = settings.shutdownMillis ?? 10_000;
    this.#meterProvider = settings.meterProvider ?? metrics;
    this.#queue = new ExportQueue({
      exporter,
      timeoutMillis: exportTimeoutMillis,
      retryMillis: settings.retryMillis ?? 1_000,
      maxRetryMillis: settings.maxRetryMillis ?? 10_000,
      settled: (spans, error) => this.#settled(spans, error),
      retried: (spans) => this.#count(spans, RETRIED),
    });
    this.#batcher = new BatchSpanProcessor({
      exporter: this.#queue,
      maxQueueSize,
      maxExportBatchSize: Math.min(maxExportBatchSize, maxQueueSize),
      scheduledDelayMillis: settings.scheduledDelayMillis ?? 5_000,
      exportTimeoutMillis,
    });
  }

  get counts(): SpanCounts {
    return {
      exported: this.#exported,
      failed: this.#failed,
      dropped: this.#dropped,
      pending: this.#pending,
    };
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    try {
      if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
      if (this.#shutdown || this.#pending >= this.#limit) {
        this.#drop(1);
        return;
      }
      this.#batcher.onEnd(span);
      this.#pending += 1;
    } catch (error) {
      log.error(`a span could not be queued: ${errorType(error)}`);
    }
  }

  /** Resolves when nothing is pending any more, at the latest after 30 s, whatever is then kept. Never rejects. */
  async forceFlush(): Promise<void> {
    if (this.#shutdown) return this.#shutdown;
    try {
      await withDeadline(this.#flush(), FLUSH_MILLIS, 'flushing spans');
    } catch (error) {
      log.warn(`flushing spans did not finish: ${errorType(error)}`);
    }
  }

  /** Tries once more to export what is pending and shuts the exporter down, within the deadline. Never rejects; safe twice. */
  shutdown(): Promise<void> {
    this.#shutdown ??= this.#close();
    return this.#shutdown;
  }

  async #flush(): Promise<void> {
    await this.#batcher.forceFlush();
    await this.#queue.forceFlush();
  }

  async #close(): Promise<void> {
    try {
      await withDeadline(this.#batcher.shutdown(), this.#shutdownMillis, 'exporting the last spans');
    } catch (error) {
      log.warn(`the span exporter did not shut down: ${errorType(error)}`);
      this.#queue.abandon();
      // The batcher may not have come as far as this; it is not waited for, time is up.
      this.#queue.shutdown().catch(() => log.debug('the span exporter failed to shut down'));
    }
    const left = this.#pending;
    this.#pending = 0;
    if (left > 0) this.#drop(left);
    this.#losses.flush();
  }

  #settled(spans: number, error: unknown): void {
    this.#pending -= spans;
    if (error === undefined) {
      this.#exported += spans;
      this.#count(spans, EXPORTED);
      return;
    }
    this.#failed += spans;
    this.#count(spans, FAILED);
    this.#losses.failed(spans, errorType(error));
  }

  #drop(spans: number): void {
    this.#dropped += spans;
    this.#count(spans, DROPPED);
    this.#losses.dropped(spans);
  }

  #count(spans: number, outcome: typeof EXPORTED): void {
    const { name, unit, description } = METRIC.exporterSpans;
    this.#counter ??= this.#meterProvider.getMeter(SCOPE_NAME).createCounter(name, { unit, description });
    this.#counter.add(spans, outcome);
  }
}

/** A minute without a Collector, and as much again, at 2,200 spans a second: 1,000,000 vCons an hour of eight spans. */
const MAX_QUEUE_SIZE = 262_144;
/** On the heap, of a span as the recorder makes it (measured). */
const SPAN_BYTES = 1_000;

/** Telemetry that waits must not be what a small process dies of. */
function queueThatFits(): number {
  return Math.min(MAX_QUEUE_SIZE, Math.floor(getHeapStatistics().heap_size_limit / 5 / SPAN_BYTES));
}

const FLUSH_MILLIS = 30_000;
const EXPORTED: Readonly<Record<string, string>> = { [ATTR.outcome]: 'exported' };
const FAILED: typeof EXPORTED = { [ATTR.outcome]: 'failed' };
const DROPPED: typeof EXPORTED = { [ATTR.outcome]: 'dropped' };
const RETRIED: typeof EXPORTED = { [ATTR.outcome]: 'retried' };
