import { ROOT_CONTEXT } from '@opentelemetry/api';
import type { ReadableSpan, Span, SpanProcessor } from '@opentelemetry/sdk-trace';

/** Keeps the starts and ends of spans in their order, to show them to another processor later. */
export class RecordedSpans implements SpanProcessor {
  #moments: { readonly started?: Span; readonly ended?: ReadableSpan }[] = [];

  onStart(started: Span): void {
    this.#moments.push({ started });
  }

  onEnd(ended: ReadableSpan): void {
    this.#moments.push({ ended });
  }

  /** @returns the nanoseconds that it took the processor */
  replayTo(processor: SpanProcessor): number {
    const moments = this.#moments;
    this.#moments = [];
    const began = performance.now();
    for (const { started, ended } of moments) {
      if (started) processor.onStart(started, ROOT_CONTEXT);
      else if (ended) processor.onEnd(ended);
    }
    return (performance.now() - began) * 1e6;
  }

  async forceFlush(): Promise<void> {}
  async shutdown(): Promise<void> {}
}
