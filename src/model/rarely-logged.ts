import { type DiagLogger, diag } from '@opentelemetry/api';

/** Milliseconds between two log lines about the same thing. */
const INTERVAL = 60_000;
const MAX_KEYS = 1_000;

/** Warnings that are written at once the first time and then at most once a minute, with a count. */
export class RarelyLogged {
  readonly #log: DiagLogger;
  readonly #state = new Map<string, { next: number; unsaid: number }>();

  /** @param namespace of OpenTelemetry's diagnostics, e.g. `vcon-otel/bridge` */
  constructor(namespace: string) {
    this.#log = diag.createComponentLogger({ namespace });
  }

  /** @param key what it is about: lines of one key share the minute */
  warn(key: string, message: string): void {
    const now = performance.now();
    let state = this.#state.get(key);
    if (!state) {
      if (this.#state.size >= MAX_KEYS) this.#state.clear();
      state = { next: 0, unsaid: 0 };
      this.#state.set(key, state);
    }
    state.unsaid += 1;
    if (now < state.next) return;
    this.#log.warn(state.unsaid === 1 ? message : `${message} (${state.unsaid} times)`);
    state.next = now + INTERVAL;
    state.unsaid = 0;
  }
}
