import { ThrottledLog } from '../model/throttled-log.ts';

/** Logs when spans cannot be exported, and when they can be again: two lines for an outage, however long it is. */
export class OutageLog {
  readonly #log = new ThrottledLog('vcon-otel/exporters');
  #since: number | undefined;
  #isLogged = false;

  /** An attempt failed. `reason` is an `error.type`. */
  failed(reason: string): void {
    this.#since ??= performance.now();
    // An outage that comes and goes is logged once a minute, and only if it lasts until then.
    if (this.#isLogged || this.#log.dueIn('outage') > 0) return;
    this.#isLogged = true;
    this.#log.warnNow('outage', `spans cannot be exported (${reason}): they are kept, and sent again`);
  }

  /** An attempt succeeded. */
  succeeded(): void {
    if (this.#since === undefined) return;
    const seconds = (performance.now() - this.#since) / 1e3;
    this.#since = undefined;
    if (!this.#isLogged) return;
    this.#isLogged = false;
    this.#log.warnNow('recovery', `spans are exported again, after ${seconds.toFixed(1)} s`);
  }
}
