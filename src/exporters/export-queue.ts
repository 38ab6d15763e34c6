import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { type ExportResult, ExportResultCode, suppressTracing } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { VconOtelError } from '../model/error.ts';

/** Batches under way at the same time: enough to hide a round trip, few enough for any exporter and memory. */
const CONCURRENCY = 4;

/** What an {@link ExportQueue} is made of. */
export interface ExportQueueSettings {
  readonly exporter: SpanExporter;
  /** Milliseconds after which a batch counts as failed. */
  readonly timeoutMillis: number;
  /** Hears what became of each batch; `error` is undefined where it was exported. */
  readonly settled: (spans: number, error: unknown) => void;
}

/**
 * Stands between the SDK's batcher and an exporter. The batcher only forms batches: it is always told that all
 * went well. This queue sends them, a few at a time however many a flush brings at once, and knows what became
 * of each.
 */
export class ExportQueue implements SpanExporter {
  readonly #settings: ExportQueueSettings;
  readonly #idle: (() => void)[] = [];
  #waiting: ReadableSpan[][] = [];
  #running = 0;
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

  /** Resolves when nothing is waiting or under way. */
  forceFlush(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Shuts the exporter down when nothing is waiting or under way. Safe twice. */
  shutdown(): Promise<void> {
    this.#shutdown ??= this.forceFlush().then(() => this.#settings.exporter.shutdown());
    return this.#shutdown;
  }

  /** Forgets what is waiting or under way. Nothing is reported after this. */
  abandon(): void {
    this.#abandoned = true;
    this.#waiting = [];
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
    while (this.#running < CONCURRENCY) {
      const spans = this.#waiting.shift();
      if (!spans) break;
      this.#start(spans);
    }
    if (this.#isIdle()) this.#releaseIdle();
  }

  #start(spans: ReadableSpan[]): void {
    this.#running += 1;
    let open = true;
    const settle = (error: unknown) => {
      if (!open) return;
      open = false;
      clearTimeout(timer);
      this.#running -= 1;
      this.#scheduleNext();
      if (!this.#abandoned) this.#settings.settled(spans.length, error);
    };
    const timer = setTimeout(
      () => settle(new VconOtelError('TIMEOUT', 'export took too long')),
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

  #releaseIdle(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
