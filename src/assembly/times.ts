import type { HrTime } from '@opentelemetry/api';

/** Milliseconds by which two clocks of one machine may seem to differ. */
export const SLACK = 5;

/** Orders times, the earlier one first. */
export function compareTimes([s1, n1]: HrTime, [s2, n2]: HrTime): number {
  return s1 - s2 || n1 - n2;
}

/** @param time nanoseconds since the Unix epoch */
export function toHrTime(time: bigint): HrTime {
  return [Number(time / 1_000_000_000n), Number(time % 1_000_000_000n)];
}

/** Milliseconds since the Unix epoch. */
export function toMillis([seconds, nanoseconds]: HrTime): number {
  return seconds * 1e3 + nanoseconds / 1e6;
}

/** Seconds from one time to another. Clocks of two machines may differ: never below zero. */
export function secondsBetween([s1, n1]: HrTime, [s2, n2]: HrTime): number {
  const nanoseconds = n2 - n1;
  const seconds = s2 - s1 + (nanoseconds < 0 ? -1 : 0);
  return seconds < 0 ? 0 : seconds + (nanoseconds < 0 ? nanoseconds + 1e9 : nanoseconds) / 1e9;
}
