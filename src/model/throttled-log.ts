import { type DiagLogger, diag } from '@opentelemetry/api';
import { LogThrottle } from './log-throttle.ts';

/** Warnings that are logged at once the first time and then at most once a minute, with a count. */
export class ThrottledLog {
  readonly #log: DiagLogger;
  readonly #throttle: LogThrottle;

  /** @param namespace of OpenTelemetry's diagnostics, e.g. `vcon-otel/bridge` */
  constructor(namespace: string, throttle = new LogThrottle()) {
    this.#log = diag.createComponentLogger({ namespace });
    this.#throttle = throttle;
  }

  /** @param key the subject: lines with the same key share the minute */
  warn(key: string, message: string): void {
    const times = this.#throttle.take(key);
    if (times > 0) this.#log.warn(times === 1 ? message : `${message} (${times} times)`);
  }

  /** Milliseconds until a line about a subject is due; 0 if it is due now. */
  dueIn(key: string): number {
    return this.#throttle.dueIn(key);
  }

  /** Writes a line even if it is not due; the next one with its key is due in a minute. */
  warnNow(key: string, message: string): void {
    this.#throttle.written(key);
    this.#log.warn(message);
  }
}
