import type { Context } from '@opentelemetry/api';
import type { ReadableSpan, Span, SpanProcessor } from '@opentelemetry/sdk-trace';
import { withDeadline } from '../model/deadline.ts';
import { errorType } from '../model/error.ts';

/** Span processors of others, shown every span: what they throw is counted, and what hangs has a deadline. */
export class GuardedProcessors implements SpanProcessor {
  readonly #processors: readonly SpanProcessor[];
  readonly #failed: (errorType: string) => void;
  readonly #timeout: number;

  /**
   * @param failed is told of what one of them threw
   * @param timeout milliseconds that `forceFlush` and `shutdown` of each may take
   */
  constructor(processors: readonly SpanProcessor[], failed: (errorType: string) => void, timeout: number) {
    this.#processors = processors;
    this.#failed = failed;
    this.#timeout = timeout;
  }

  /** Whether there is none. */
  get isEmpty(): boolean {
    return this.#processors.length === 0;
  }

  onStart(span: Span, parentContext: Context): void {
    for (const processor of this.#processors) this.#guard(() => processor.onStart(span, parentContext));
  }

  onEnding(span: Span): void {
    for (const processor of this.#processors) this.#guard(() => processor.onEnding?.(span));
  }

  onEnd(span: ReadableSpan): void {
    for (const processor of this.#processors) this.#guard(() => processor.onEnd(span));
  }

  forceFlush(): Promise<void> {
    return this.#each((processor) => processor.forceFlush());
  }

  shutdown(): Promise<void> {
    return this.#each((processor) => processor.shutdown());
  }

  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#failed(errorType(error));
    }
  }

  async #each(work: (processor: SpanProcessor) => Promise<void>): Promise<void> {
    await Promise.all(
      this.#processors.map(async (processor) => {
        try {
          await withDeadline(work(processor), this.#timeout, "a tracer's span processor");
        } catch (error) {
          this.#failed(errorType(error));
        }
      }),
    );
  }
}
