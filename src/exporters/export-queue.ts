import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { type ExportResult, ExportResultCode, suppressTracing } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { errorType } from '../model/error.ts';
import { ExportError } from './export-error.ts';
import { OutageLog } from './outage-log.ts';

/** Batches under way at the same time: enough to hide a round trip, few enough for any exporter and memory. */
const CONCURRENCY = 4;

/** What an {@link ExportQueue} is made of. */
export interface ExportQueueSettings {
  readonly exporter: SpanExporter;
  /** Milliseconds after which a try counts as failed. */
  readonly timeoutMillis: number;
  /** Milliseconds of which a random part passes after the first try that failed; doubles with each in a row. */
  readonly retryMillis: number;
  /** Beyond which that does not grow. */
  readonly maxRetryMillis: number;
  /** Hears what became of each batch; `error` is undefined where it was exported. */
  readonly settled: (spans: number, error: unknown) => void;
  /** Hears of each try that failed and is made again. */
  readonly retried: (spans: number) => void;
}

/**
 * Stands between the SDK's batcher and an exporter. The batcher only forms batches: it is always told that all
 * went well. This queue sends them, a few at a time however many a flush brings at once, and knows what became
 * of each.
 *
 * A batch whose failure may pass is kept and goes to the end of the line, so that one which nobody takes holds up no other.
 * As long as the last try failed, single batches are tried, with pauses between them.
 */
export class ExportQueue implements SpanExporter {
  readonly #settings: ExportQueueSettings;
  readonly #idle: (() => void)[] = [];
  readonly #outages = new OutageLog();
  #waiting: ReadableSpan[][] = [];
  #running = 0;
  /** Tries in a row that failed. */
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

  /** Tries at once, and resolves when nothing is waiting or under way: not before the end of an outage. */
  forceFlush(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    // Also where there is none: at shutdown more may be under way than before.
    this.#endPause();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Tries everything that waits one last time, then shuts the exporter down. Safe twice. */
  shutdown(): Promise<void> {
    this.#closing = true;
    this.#shutdown ??= this.forceFlush().then(() => this.#settings.exporter.shutdown());
    return this.#shutdown;
  }

  /** Forgets what is waiting or under way. Nothing is reported after this. */
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
    this.#settings.settled(spans.length, error);
  }

  #keep(spans: ReadableSpan[]): void {
    this.#waiting.push(spans);
    this.#settings.retried(spans.length);
    // Others that were under way when the first one failed tell nothing new.
    if (this.#pause || this.#closing) return;
    const { retryMillis, maxRetryMillis } = this.#settings;
    const longest = Math.min(retryMillis * 2 ** this.#failures, maxRetryMillis);
    this.#failures += 1;
    this.#pause = setTimeout(() => this.#endPause(), Math.random() * longest);
    // What waits in memory does not keep a process from ending.
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

/** Only what says so of itself: an error that nobody knows might come every time. */
function mayPass(error: unknown): boolean {
  return error instanceof Error && 'permanent' in error && error.permanent === false;
}
