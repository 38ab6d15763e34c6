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
  /** Spans that may wait or be under way; 65,536 by default. What ends beyond that is dropped and counted. */
  readonly maxQueueSize?: number;
  /** Spans in one export; 2,048 by default. */
  readonly maxExportBatchSize?: number;
  /** Milliseconds until a batch that is not full is sent; 5,000 by default. */
  readonly scheduledDelayMillis?: number;
  /** Milliseconds after which an export counts as failed; 30,000 by default. */
  readonly exportTimeoutMillis?: number;
  /** Milliseconds that `shutdown` waits before what is pending counts as dropped; 10,000 by default. */
  readonly shutdownMillis?: number;
  /** Where the losses are counted; the global one, looked up at the first count, by default. */
  readonly meterProvider?: MeterProvider;
}

/** What became of the sampled spans so far. Their sum is the number of sampled spans that ended. */
export interface SpanCounts {
  readonly exported: number;
  /** Handed to the exporter, which reported an error or did not answer in time. */
  readonly failed: number;
  /** Never handed to the exporter, or given up at shutdown. */
  readonly dropped: number;
  readonly pending: number;
}

/**
 * Batches sampled spans for an exporter and accounts for every one of them: in {@link BoundedSpanProcessor.counts},
 * in the metric `vcon.exporter.spans`, and, if any are lost, in a log line.
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
    const { maxQueueSize = 65_536, maxExportBatchSize = 2_048, exportTimeoutMillis = 30_000 } = settings;
    this.#limit = maxQueueSize;
    this.#shutdownMillis = settings.shutdownMillis ?? 10_000;
    this.#meterProvider = settings.meterProvider ?? metrics;
    this.#queue = new ExportQueue({
      exporter,
      timeoutMillis: exportTimeoutMillis,
      settled: (spans, error) => this.#settled(spans, error),
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

  /** Resolves when what has ended so far was exported or failed, at the latest after 30 s. Never rejects. */
  async forceFlush(): Promise<void> {
    if (this.#shutdown) return this.#shutdown;
    try {
      await withDeadline(this.#flush(), FLUSH_MILLIS, 'flushing spans');
    } catch (error) {
      log.warn(`flushing spans did not finish: ${errorType(error)}`);
    }
  }

  /** Exports what is pending and shuts the exporter down, within the deadline. Never rejects; safe twice. */
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

const FLUSH_MILLIS = 30_000;
const EXPORTED: Readonly<Record<string, string>> = { [ATTR.outcome]: 'exported' };
const FAILED: typeof EXPORTED = { [ATTR.outcome]: 'failed' };
const DROPPED: typeof EXPORTED = { [ATTR.outcome]: 'dropped' };
