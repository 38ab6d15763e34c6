import { setTimeout as wait } from 'node:timers/promises';

/** Milliseconds between two looks. */
const PAUSE = 20;
/** Milliseconds after which nothing will come any more, by the ring: so many that a busy machine never needs them. */
const LIMITS: Readonly<Record<string, number>> = { quick: 120_000, slow: 300_000 };
/** A fault has no ring. */
const LIMIT = LIMITS[process.env.RING ?? ''] ?? 900_000;

/** The same for `vi.waitUntil` and `vi.waitFor`. */
export const PATIENCE = { interval: 5, timeout: LIMIT } as const;

/**
 * Looks until there is something to see.
 * @param what in words, for the error
 * @param look answers undefined as long as it is not so
 * @throws Error if it takes too long
 */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  limit = LIMIT,
): Promise<T> {
  const until = performance.now() + limit;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (performance.now() > until) throw new Error(`in ${limit / 1_000} s it did not happen that ${what}`);
    await wait(PAUSE);
  }
}
