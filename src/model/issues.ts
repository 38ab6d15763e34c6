import type { RarelyLogged } from './rarely-logged.ts';

/** Counts what is wrong, by kind, and says it in the log now and then. */
export class Issues<Kind extends string> {
  readonly #counts = new Map<Kind, number>();
  readonly #who: string;
  readonly #log: RarelyLogged;

  /** @param who stands before each line of the log */
  constructor(who: string, log: RarelyLogged) {
    this.#who = who;
    this.#log = log;
  }

  /** @param detail an `error.type` or a sentence of ours, if there is one */
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

  /** Those that there were. */
  all(): Readonly<Partial<Record<Kind, number>>> {
    return Object.fromEntries(this.#counts) as Partial<Record<Kind, number>>;
  }
}
