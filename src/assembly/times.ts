import type { HrTime } from '@opentelemetry/api';

/** Milliseconds by which two clocks of one machine may seem to differ. */
export const SLACK = 5;

/** Orders times, the earlier one first. */
export function compareTimes(one: HrTime, other: HrTime): number {
  return one[0] - other[0] || one[1] - other[1];
}

/** @param time nanoseconds since the Unix epoch */
export function toHrTime(time: bigint): HrTime {
  return [Number(time / 1_000_000_000n), Number(time % 1_000_000_000n)];
}

/** Milliseconds since the Unix epoch. */
export function toMillis(time: HrTime): number {
  return time[0] * 1e3 + time[1] / 1e6;
}

/** Seconds from one time to another. Clocks of two machines may differ: never below zero. */
export function secondsBetween(from: HrTime, to: HrTime): number {
  const nanoseconds = to[1] - from[1];
  const seconds = to[0] - from[0] + (nanoseconds < 0 ? -1 : 0);
  return seconds < 0 ? 0 : seconds + (nanoseconds < 0 ? nanoseconds + 1e9 : nanoseconds) / 1e9;
}
