import { heapLimit } from '../model/memory.ts';

/** How many bytes all requests under way may hold together. */
export class ByteBudget {
  #left: number;
  /** Those who wait, in their order. */
  readonly #waiting: { readonly bytes: number; readonly resolve: () => void }[] = [];

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** Takes that many bytes, if that many are left. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  /** Resolves when that many bytes have been taken: at once, or when it is their turn. */
  wait(bytes: number): Promise<void> {
    if (this.#waiting.length === 0 && this.take(bytes)) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ bytes, resolve });
    return promise;
  }

  /** Gives back what was taken. */
  give(bytes: number): void {
    this.#left += bytes;
    for (let [next] = this.#waiting; next !== undefined && this.take(next.bytes); [next] = this.#waiting) {
      this.#waiting.shift();
      next.resolve();
    }
  }
}

/** What a request holds of a budget. */
export class Share {
  readonly #budget: ByteBudget;
  #held = 0;

  constructor(budget: ByteBudget) {
    this.#budget = budget;
  }

  /** Takes some more, if that much is left. */
  take(bytes: number): boolean {
    const got = this.#budget.take(bytes);
    if (got) this.#held += bytes;
    return got;
  }

  /** Takes some more, as soon as that much is left. */
  async wait(bytes: number): Promise<void> {
    await this.#budget.wait(bytes);
    this.#held += bytes;
  }

  /** Keeps so many bytes, and gives back the others. */
  keep(bytes: number): void {
    const rest = Math.max(this.#held - bytes, 0);
    this.#held -= rest;
    this.#budget.give(rest);
  }

  get held(): number {
    return this.#held;
  }
}

/** What the requests of a receiver may hold, and the largest of them. */
export interface RequestBounds {
  readonly budget: ByteBudget;
  /** Bytes of a body, packed or not. */
  readonly maxBody: number;
}

/** @param maxBody bytes of a body, as it is configured: a small heap allows less */
export function requestBounds(maxBody: number): RequestBounds {
  const memory = heapLimit() / SHARE;
  return {
    budget: new ByteBudget(Math.min(Math.max(8 * maxBody, MIN_BUDGET), memory)),
    maxBody: Math.min(maxBody, Math.floor(memory / OF_ONE)),
  };
}

/** The part of the heap that all bodies under way may take up: what is read of them takes several times as much. */
const SHARE = 16;
/** And one of them a part of that: while it is unpacked it is there as it came, in pieces and in one piece. */
const OF_ONE = 4;
/** The least number of bytes that they may, where the heap is large enough. */
const MIN_BUDGET = 64 * 1024 * 1024;
