import { ThrottledLog } from '../model/throttled-log.ts';

/** Milliseconds that a first loss waits for others of the same burst, so that they share one line. */
const GATHER = 1_000;

/** Logs how many spans were lost: one line for a burst, then at most one a minute. */
export class LossLog {
  readonly #log = new ThrottledLog('vcon-otel/exporters');
  #failed = 0;
  #dropped = 0;
  #reason = '';
  #timer: NodeJS.Timeout | undefined;

  /** Spans that the exporter could not export. `reason` is an `error.type`. */
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

  /** Writes what has not been logged yet. */
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
    this.#log.warnNow('losses', `spans lost: ${parts.join(', ')}`);
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.flush(), Math.max(GATHER, this.#log.dueIn('losses')));
    this.#timer.unref();
  }
}
