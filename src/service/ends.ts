import { diag } from '@opentelemetry/api';
import { withDeadline } from '../model/deadline.ts';
import { errorType } from '../model/error.ts';

/** Milliseconds that a part has in any case: enough for one that has nothing to wait for. */
const MOMENT = 200;

/** One deadline for everything that ends. What does not end in time is left behind, and named. */
export class Ending {
  readonly #milliseconds: number;
  readonly #began = performance.now();
  readonly #undone: string[] = [];

  /** @param milliseconds from now on, for all parts together */
  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
  }

  /** The parts that were left behind. */
  get undone(): readonly string[] {
    return this.#undone;
  }

  /**
   * Ends a part; what goes wrong is logged. Never rejects.
   * @param share of the whole time that it may take at most
   */
  async part(what: string, end: () => unknown, share = 1): Promise<void> {
    const left = this.#milliseconds - (performance.now() - this.#began);
    const time = Math.max(MOMENT, Math.min(left, share * this.#milliseconds));
    if (!(await quietly(what, async () => end(), time))) this.#undone.push(what);
  }
}

/**
 * Does something that may take so many milliseconds; what goes wrong is logged. Never rejects.
 * @returns whether it was done
 */
export async function quietly(
  what: string,
  work: () => Promise<unknown>,
  milliseconds: number,
): Promise<boolean> {
  try {
    await withDeadline(work(), milliseconds, `ending ${what}`);
    return true;
  } catch (error) {
    diag.warn('vcon-otel/service', `${what} did not end well: ${errorType(error)}`);
    return false;
  }
}

/** How the parts that were started are ended. */
export class Ends {
  readonly #ends: [what: string, end: () => unknown][] = [];

  /** @param what the part, for the log */
  add(what: string, end: () => unknown): void {
    this.#ends.push([what, end]);
  }

  /** Ends everything, the last part first. Never rejects. */
  async all(ending: Ending): Promise<void> {
    for (const [what, end] of this.#ends.toReversed()) await ending.part(what, end);
  }
}
