import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { type ExportResult, ExportResultCode, suppressTracing } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { backOff } from '../model/back-off.ts';
import { errorType } from '../model/error.ts';
import { ExportError } from './export-error.ts';
import { OutageLog } from './outage-log.ts';

/** Batches under way at the same time: enough to hide a round trip, few enough for any exporter and memory. */
const CONCURRENCY = 4;

/** What an {@link ExportQueue} is made of. */
export interface ExportQueueSettings {
  readonly exporter: SpanExporter;
  /** Milliseconds after which an attempt counts as failed. */
  readonly timeoutMillis: number;
  /** Milliseconds of which a random part passes after the first failed attempt; doubles with each further one in a row. */
  readonly retryMillis: number;
  /** The limit to which that grows. */
  readonly maxRetryMillis: number;
  /** Called with the outcome of each batch; `error` is undefined if it was exported. */
  readonly settled: (spans: readonly ReadableSpan[], error: unknown) => void;
  /** Called for each attempt that failed and will be made again. */
  readonly retried: (spans: number) => void;
}

/**
 * Sits between the SDK's batcher and an exporter. The batcher only forms batches, and is always told that all
 * went well. This queue sends them, a few at a time however many a flush brings at once, and knows the outcome
 * of each.
 *
 * After a temporary failure, a batch is kept and goes to the end of the queue, so that a batch that nobody accepts blocks no
 * other. As long as the last attempt failed, single batches are tried, with pauses between them.
 */
export class ExportQueue implements SpanExporter {
  readonly #settings: ExportQueueSettings;
  readonly #idle: (() => void)[] = [];
  readonly #outages = new OutageLog();
  #waiting: ReadableSpan[][] = [];
  #running = 0;
  /** Failed attempts in a row. */
  #failures = 0;
  #pause: NodeJS.Timeout | undefined;
  #closing = false;
  #abandoned = false;
  #shutdown: Promise<void> | undefined;

  constructor(settings: ExportQueueSettings) {
    this.#settings = settings;
  }

  export(spans: ReadableSpan[], resultCallback: (result: ExportResult) => void): void {
    if (!this.#abandoned) {
      this.#waiting.push(spans);
      this.#scheduleNext();
    }
    resultCallback({ code: ExportResultCode.SUCCESS });
  }

  /** Tries immediately, and resolves when nothing is waiting or under way, so not before the end of an outage. */
  forceFlush(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    // Even if nothing waits: at shutdown, more may be under way than before.
    this.#endPause();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Tries every waiting batch one last time, then shuts the exporter down. Safe twice. */
  shutdown(): Promise<void> {
    this.#closing = true;
    this.#shutdown ??= this.forceFlush().then(() => this.#settings.exporter.shutdown());
    return this.#shutdown;
  }

  /** Forgets everything waiting or under way. Nothing is reported after this. */
  abandon(): void {
    this.#abandoned = true;
    this.#waiting = [];
    clearTimeout(this.#pause);
    this.#releaseIdle();
  }

  #isIdle(): boolean {
    return this.#abandoned || (this.#running === 0 && this.#waiting.length === 0);
  }

  // Encoding a batch takes milliseconds: not inside the application's span.end().
  #scheduleNext(): void {
    setImmediate(() => this.#next());
  }

  #next(): void {
    while (this.#running < this.#allowed()) {
      const spans = this.#waiting.shift();
      if (!spans) break;
      this.#start(spans);
    }
    if (this.#isIdle()) this.#releaseIdle();
  }

  #allowed(): number {
    if (this.#failures === 0 || this.#closing) return CONCURRENCY;
    return this.#pause ? 0 : 1;
  }

  #start(spans: ReadableSpan[]): void {
    this.#running += 1;
    const last = this.#closing;
    let open = true;
    const settle = (error: unknown) => {
      if (!open) return;
      open = false;
      clearTimeout(timer);
      this.#running -= 1;
      this.#scheduleNext();
      if (!this.#abandoned) this.#judge(spans, error, last);
    };
    const timer = setTimeout(
      () => settle(new ExportError('export took too long', 'TIMEOUT')),
      this.#settings.timeoutMillis,
    );
    try {
      context.with(suppressTracing(ROOT_CONTEXT), () =>
        this.#settings.exporter.export(spans, ({ code, error }) =>
          settle(code === ExportResultCode.SUCCESS ? undefined : (error ?? new Error('export failed'))),
        ),
      );
    } catch (error) {
      settle(error ?? new Error('export failed'));
    }
  }

  #judge(spans: ReadableSpan[], error: unknown, last: boolean): void {
    if (error === undefined) {
      this.#outages.succeeded();
      if (this.#failures > 0) this.#endPause();
      this.#failures = 0;
    } else if (mayPass(error) && !last) {
      this.#outages.failed(errorType(error));
      this.#keep(spans);
      return;
    }
    this.#settings.settled(spans, error);
  }

  #keep(spans: ReadableSpan[]): void {
    this.#waiting.push(spans);
    this.#settings.retried(spans.length);
    // Others that were under way when the first one failed say nothing new.
    if (this.#pause || this.#closing) return;
    const { retryMillis, maxRetryMillis } = this.#settings;
    const intervals = { initialInterval: retryMillis, maxInterval: maxRetryMillis };
    this.#failures += 1;
    const wait = backOff(intervals, this.#failures, Math.random);
    this.#pause = setTimeout(() => this.#endPause(), wait);
    // Batches waiting in memory do not keep a process from ending.
    this.#pause.unref();
  }

  #endPause(): void {
    clearTimeout(this.#pause);
    this.#pause = undefined;
    this.#scheduleNext();
  }

  #releaseIdle(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** Only errors that say so themselves: an unknown error might come every time. */
export function mayPass(error: unknown): boolean {
  return error instanceof Error && 'permanent' in error && error.permanent === false;
}
