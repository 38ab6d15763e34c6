import type { CallCounts } from './tracer-calls.ts';

/** What a worker counts. */
export interface TracerStats extends CallCounts {
  /** Events delivered. */
  ok: number;
  /** Attempts that failed and are made again. */
  retried: number;
  /** Events given up, which are dead letters: a call failed for good, or `run` answered `false`. */
  dead: number;
  /** Events given up, because the tracer lagged too far behind or the process ended. */
  dropped: number;
  /** Events that an operator did not want delivered. */
  skipped: number;
  /** Seconds that attempts have taken, all together. */
  took: number;
}

/** Before anything was counted. */
export function noStats(): TracerStats {
  return { trace: 0, run: 0, ok: 0, retried: 0, dead: 0, dropped: 0, skipped: 0, took: 0 };
}

/** Attempts that have ended, in whatever way. */
export function attemptsIn({ ok, retried, dead }: TracerStats): number {
  return ok + retried + dead;
}
