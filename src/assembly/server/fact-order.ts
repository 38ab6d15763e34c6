import type { ServerFact } from '../../model/server-fact.ts';

/** Facts that may wait for one before them. Beyond it what is missing is given up. */
const MAX_WAITING = 10_000;

/** The facts of one process, each once and in the order of their numbers, however they come. */
export class FactOrder {
  #next: number;
  readonly #waiting = new Map<number, ServerFact>();

  /** @param next the number that is expected first */
  constructor(next: number) {
    this.#next = next;
  }

  /** The number that is expected. */
  get next(): number {
    return this.#next;
  }

  /** Whether facts wait for one that has not come. */
  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** The facts that wait. */
  get waiting(): readonly ServerFact[] {
    return [...this.#waiting.values()];
  }

  /** Whether so many facts wait that what is missing has to be given up. */
  get isFull(): boolean {
    return this.#waiting.size > MAX_WAITING;
  }

  /**
   * Takes a fact.
   * @returns what comes next by it, in order: nothing where it waits, undefined where it has come before
   */
  take(fact: ServerFact): readonly ServerFact[] | undefined {
    const { seq } = fact;
    if (seq < this.#next || this.#waiting.has(seq)) return undefined;
    if (seq > this.#next) {
      this.#waiting.set(seq, fact);
      return [];
    }
    return [fact, ...this.#following()];
  }

  /**
   * Gives up the facts before the first that waits.
   * @returns how many they are, and what comes after them
   */
  skip(): { readonly missing: number; readonly facts: readonly ServerFact[] } {
    let first = Number.POSITIVE_INFINITY;
    for (const seq of this.#waiting.keys()) first = Math.min(first, seq);
    const fact = this.#waiting.get(first);
    if (!fact) return { missing: 0, facts: [] };
    const missing = first - this.#next;
    this.#waiting.delete(first);
    this.#next = first;
    return { missing, facts: [fact, ...this.#following()] };
  }

  #following(): ServerFact[] {
    const facts: ServerFact[] = [];
    this.#next += 1;
    for (let fact = this.#waiting.get(this.#next); fact; fact = this.#waiting.get(this.#next)) {
      this.#waiting.delete(this.#next);
      this.#next += 1;
      facts.push(fact);
    }
    return facts;
  }
}
