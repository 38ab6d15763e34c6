import { bounded } from '../../model/memory.ts';

/** Of the heap, what events may take that are kept in it and nowhere else, and bytes of one with the longest names. */
const SHARE = 1 / 4;
const EVENT = 4_000;

/** How many events there is room for in memory. @param capacity as many as were asked for, at most */
export function fittingCapacity(capacity: number): number {
  return bounded(capacity, SHARE, EVENT);
}
