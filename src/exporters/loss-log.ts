import { diag } from '@opentelemetry/api';

const log = diag.createComponentLogger({ namespace: 'vcon-otel/exporters' });

/** Milliseconds a first loss waits for others of the same burst, so that they share one line. */
const GATHER = 1_000;
/** Milliseconds between two lines. */
const INTERVAL = 60_000;

/** Says in the log how many spans were lost: one line for a burst, then at most one a minute. */
export class LossLog {
  #failed = 0;
  #dropped = 0;
  #reason = '';
  #quietUntil = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Spans that were handed to the exporter in vain. `reason` is an `error.type`. */
  failed(spans: number, reason: string): void {
    this.#failed += spans;
    this.#reason = reason;
    this.#schedule();
  }

  /** Spans that never reached the exporter. */
  dropped(spans: number): void {
    this.#dropped += spans;
    this.#schedule();
  }

  /** Writes what has not been said yet. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const parts = [
      ...(this.#failed ? [`${this.#failed} failed to export (last: ${this.#reason})`] : []),
      ...(this.#dropped ? [`${this.#dropped} dropped (queue full, or shut down before they were sent)`] : []),
    ];
    if (parts.length === 0) return;
    this.#failed = 0;
    this.#dropped = 0;
    this.#quietUntil = performance.now() + INTERVAL;
    log.warn(`spans lost: ${parts.join(', ')}`);
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    const delay = Math.max(GATHER, this.#quietUntil - performance.now());
    this.#timer = setTimeout(() => this.flush(), delay);
    this.#timer.unref();
  }
}
