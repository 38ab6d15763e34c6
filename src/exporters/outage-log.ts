import { diag } from '@opentelemetry/api';

const log = diag.createComponentLogger({ namespace: 'vcon-otel/exporters' });

/** Milliseconds from one outage that is told to the next. */
const INTERVAL = 60_000;

/** Says in the log that spans cannot be exported, and when they are again: two lines for an outage, however long it is. */
export class OutageLog {
  #since: number | undefined;
  #told = false;
  #quietUntil = 0;

  /** A try came to nothing. `reason` is an `error.type`. */
  failed(reason: string): void {
    const now = performance.now();
    this.#since ??= now;
    if (this.#told || now < this.#quietUntil) return;
    this.#told = true;
    this.#quietUntil = now + INTERVAL;
    log.warn(`spans cannot be exported (${reason}): they are kept, and sent again`);
  }

  /** A try went well. */
  succeeded(): void {
    if (this.#since === undefined) return;
    const seconds = (performance.now() - this.#since) / 1e3;
    this.#since = undefined;
    if (!this.#told) return;
    this.#told = false;
    log.warn(`spans are exported again, after ${seconds.toFixed(1)} s`);
  }
}
