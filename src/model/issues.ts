import type { ThrottledLog } from './throttled-log.ts';

/** Counts issues by kind, and logs them now and then. */
export class Issues<Kind extends string> {
  readonly #counts = new Map<Kind, number>();
  readonly #who: string;
  readonly #log: ThrottledLog;

  /** @param who the prefix of each log line */
  constructor(who: string, log: ThrottledLog) {
    this.#who = who;
    this.#log = log;
  }

  /** @param detail an `error.type` or a text of ours, if any */
  add(kind: Kind, detail?: string, count = 1): void {
    this.#counts.set(kind, this.of(kind) + count);
    this.#log.warn(
      `issue ${kind}`,
      [`${this.#who}:`, kind.replaceAll('_', ' '), detail].filter(Boolean).join(' '),
    );
  }

  of(kind: Kind): number {
    return this.#counts.get(kind) ?? 0;
  }

  /** The kinds that occurred. */
  all(): Readonly<Partial<Record<Kind, number>>> {
    return Object.fromEntries(this.#counts) as Partial<Record<Kind, number>>;
  }
}
