/** Milliseconds of nanoseconds; of a time since the Unix epoch, a double holds microseconds: more digits would be invented. */
export function millisOf(nanos: bigint): number {
  return Number(nanos / 1_000n) / 1_000;
}
