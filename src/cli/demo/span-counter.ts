import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';

/** Counts recorded spans, sampled or not. */
export class SpanCounter implements SpanProcessor {
  spans = 0;
  traces = 0;

  onStart(): void {}

  onEnd({ parentSpanContext }: ReadableSpan): void {
    this.spans += 1;
    if (!parentSpanContext) this.traces += 1;
  }

  async forceFlush(): Promise<void> {}
  async shutdown(): Promise<void> {}
}
