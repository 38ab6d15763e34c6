/** Which ring this is; none outside of one. */
const { RING } = process.env;

/** Whether searches (`*.search.test.ts`) go on at length. */
export const IS_LONG = RING === 'slow';

/**
 * How many cases a search tries.
 * @param long in the slow ring; the quick one tries a tenth of them
 */
export function runs(long: number): number {
  return IS_LONG ? long : Math.ceil(long / 10);
}
