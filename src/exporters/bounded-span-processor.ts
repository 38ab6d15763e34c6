import {
  type Counter,
  context,
  diag,
  type MeterProvider,
  metrics,
  ROOT_CONTEXT,
  TraceFlags,
} from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import {
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';
import { withDeadline } from '../model/deadline.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import { ATTR, METRIC, SCOPE_NAME } from '../model/semconv.ts';
import { type BatchSettings, queueThatFits, type SpanCounts } from './batch-settings.ts';
import { ExportQueue, mayPass } from './export-queue.ts';
import { type DropReason, LossLog } from './loss-log.ts';
import { LINE, type SpanLog } from './span-log/span-log.ts';

const log = diag.createComponentLogger({ namespace: 'vcon-otel/exporters' });

/**
 * Batches sampled spans for an exporter and accounts for every one of them: in {@link BoundedSpanProcessor.counts},
 * in the metric `vcon.exporter.spans`, and, if any are lost, in a log line. A failure is final unless its error has
 * `permanent: false`, which our exporters set when an endpoint is down: then the spans are kept while there is room, and
 * sent again until they have arrived. A receiver that gets a span twice recognises it by its id.
 */
export function batchSpans(exporter: SpanExporter, settings: BatchSettings = {}): BoundedSpanProcessor {
  return new BoundedSpanProcessor(exporter, settings);
}

/**
 * The SDK's batch span processor behind a gate. The SDK's own queue drops spans silently when it is full; the gate has
 * the same limit and also counts spans under way, so that queue never overflows and memory stays bounded. With a log, every
 * span is on the disk until it is settled, and what has no room in memory is read from there in its turn.
 */
export class BoundedSpanProcessor implements SpanProcessor {
  readonly #batcher: BatchSpanProcessor;
  readonly #queue: ExportQueue;
  readonly #losses = new LossLog();
  readonly #limit: number;
  readonly #log: SpanLog | undefined;
  /** The numbers in the log of spans that are in memory. */
  readonly #numbers = new WeakMap<ReadableSpan, number>();
  #isReading = false;
  readonly #shutdownMillis: number;
  readonly #meterProvider: MeterProvider;
  #counter: Counter | undefined;
  #exported = 0;
  #failed = 0;
  #dropped = 0;
  /** In memory. */
  #pending = 0;
  #shutdown: Promise<void> | undefined;

  /** @param spanLog of this processor alone, which closes it */
  constructor(exporter: SpanExporter, settings: BatchSettings, spanLog?: SpanLog) {
    const {
      maxQueueSize = queueThatFits(spanLog !== undefined),
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
      // What is read of a log is not cut where there is no more room.
      maxQueueSize: maxQueueSize + (spanLog ? LINE : 0),
      maxExportBatchSize: Math.min(maxExportBatchSize, maxQueueSize),
      scheduledDelayMillis: settings.scheduledDelayMillis ?? 5_000,
      exportTimeoutMillis,
    });
    this.#log = spanLog;
    if (!spanLog) return;
    spanLog.dropped = (spans, why) => this.#drop(spans, why);
    this.#readOn();
  }

  get counts(): SpanCounts {
    return {
      exported: this.#exported,
      failed: this.#failed,
      dropped: this.#dropped,
      pending: this.#log?.depth ?? this.#pending,
    };
  }

  /** The age in seconds of the oldest span that is on the disk and not exported; undefined without a log. */
  get oldestAge(): number | undefined {
    return this.#log?.oldestAge;
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    try {
      this.#take(span);
    } catch (error) {
      log.error(`a span could not be queued: ${errorType(error)}`);
    }
  }

  /** Takes a span that no SDK has made. Resolves when it is on the disk, where there is a log. */
  async keep(span: ReadableSpan): Promise<void> {
    if (this.#shutdown) throw new VconOtelError('TRACER_FAILED', 'the exporter has been shut down');
    this.#take(span);
    await this.#log?.durable();
  }

  /** Resolves when nothing is pending, after 30 s at the latest, whatever is left then. Never rejects. */
  async forceFlush(): Promise<void> {
    if (this.#shutdown) return this.#shutdown;
    try {
      await withDeadline(this.#flush(), FLUSH_MILLIS, 'flushing spans');
    } catch (error) {
      log.warn(`flushing spans did not finish: ${errorType(error)}`);
    }
  }

  /** Tries once more to export pending spans and shuts the exporter down, within the deadline. Never rejects; safe twice. */
  shutdown(): Promise<void> {
    this.#shutdown ??= this.#close();
    return this.#shutdown;
  }

  async #flush(): Promise<void> {
    do {
      await this.#batcher.forceFlush();
      await this.#queue.forceFlush();
    } while (this.#isReading);
    await this.#log?.durable();
  }

  #take(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
    const spanLog = this.#log;
    const hasRoom = this.#pending < this.#limit;
    // A disk that takes nothing is no reason to fill the memory.
    if (this.#shutdown || (spanLog ? spanLog.unwritten >= MAX_UNWRITTEN : !hasRoom)) {
      this.#drop(1, this.#shutdown ? 'ended' : spanLog ? 'unwritable' : 'full');
      return;
    }
    if (spanLog) {
      const number = spanLog.add(span);
      // What was not read before goes first.
      if (!hasRoom || spanLog.unread > 1) return;
      spanLog.passOver();
      this.#numbers.set(span, number);
    }
    this.#forward(span);
  }

  #forward(span: ReadableSpan): void {
    this.#batcher.onEnd(span);
    this.#pending += 1;
  }

  /** Reads on in the log while there is room. */
  #readOn(): void {
    const isDue = this.#log && this.#log.unread > 0 && this.#pending <= this.#limit / 2;
    if (!isDue || this.#isReading || this.#shutdown) return;
    this.#isReading = true;
    const read = context.with(suppressTracing(ROOT_CONTEXT), () => this.#read());
    read.catch((error: unknown) => {
      log.warn(`spans that were kept cannot be read: ${errorType(error)}`);
      this.#isReading = false;
      setTimeout(() => this.#readOn(), READ_PAUSE).unref();
    });
  }

  async #read(): Promise<void> {
    while (this.#log && this.#pending < this.#limit && !this.#shutdown) {
      const spans = await this.#log.read();
      if (spans.length === 0) break;
      for (const [number, span] of spans) {
        this.#numbers.set(span, number);
        this.#forward(span);
      }
    }
    this.#isReading = false;
  }

  async #close(): Promise<void> {
    try {
      await withDeadline(this.#batcher.shutdown(), this.#shutdownMillis, 'exporting the last spans');
    } catch (error) {
      log.warn(`the span exporter did not shut down: ${errorType(error)}`);
      this.#queue.abandon();
      // The batcher may not have got this far; time is up, so nobody waits for it.
      this.#queue.shutdown().catch(() => log.debug('the span exporter failed to shut down'));
    }
    const left = this.#pending;
    this.#pending = 0;
    if (this.#log) await this.#end(this.#log);
    else if (left > 0) this.#drop(left, 'ended');
    this.#losses.flush();
  }

  async #end(spanLog: SpanLog): Promise<void> {
    try {
      await withDeadline(spanLog.close(), this.#shutdownMillis, 'keeping the last spans');
    } catch (error) {
      log.warn(`the last spans could not be kept: ${errorType(error)}`);
    }
    if (spanLog.unwritten > 0) this.#drop(spanLog.unwritten, 'unwritable');
    if (spanLog.depth > 0) log.info(`${spanLog.depth} spans are kept for the next start`);
  }

  #settled(batch: readonly ReadableSpan[], error: unknown): void {
    const spans = batch.length;
    this.#pending -= spans;
    if (this.#log) {
      // The last attempt at the end: the next process goes on.
      if (error !== undefined && mayPass(error)) return;
      this.#log.settle(batch.flatMap((span) => this.#numbers.get(span) ?? []));
      this.#readOn();
    }
    if (error === undefined) {
      this.#exported += spans;
      this.#count(spans, EXPORTED);
      return;
    }
    this.#failed += spans;
    this.#count(spans, FAILED);
    this.#losses.failed(spans, errorType(error));
  }

  #drop(spans: number, why: DropReason): void {
    this.#dropped += spans;
    this.#count(spans, DROPPED);
    this.#losses.dropped(spans, why);
  }

  #count(spans: number, outcome: typeof EXPORTED): void {
    const { name, unit, description } = METRIC.exporterSpans;
    this.#counter ??= this.#meterProvider.getMeter(SCOPE_NAME).createCounter(name, { unit, description });
    this.#counter.add(spans, outcome);
  }
}

/** Spans that wait for a disk which does not take them. */
const MAX_UNWRITTEN = 65_536;
/** Milliseconds until a log that could not be read is tried again. */
const READ_PAUSE = 1_000;

const FLUSH_MILLIS = 30_000;
const EXPORTED: Readonly<Record<string, string>> = { [ATTR.outcome]: 'exported' };
const FAILED: typeof EXPORTED = { [ATTR.outcome]: 'failed' };
const DROPPED: typeof EXPORTED = { [ATTR.outcome]: 'dropped' };
const RETRIED: typeof EXPORTED = { [ATTR.outcome]: 'retried' };
