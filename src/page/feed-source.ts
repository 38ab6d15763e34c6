import type { Clock } from '../model/clock.ts';
import { PULSE_STEP, PULSE_STEPS } from './live/chain-pulse.ts';
import type { FeedSource } from './live/feed.ts';
import type { LiveRuns } from './live/live-runs.ts';
import type { PageSources } from './page-sources.ts';

/** What viewers are told: runs as they change, and once a second how chains and tracers stand. */
export function feedSource(
  runs: LiveRuns,
  { service, tracers, troubles }: PageSources,
  { now }: Pick<Clock, 'now'>,
): FeedSource {
  const standing = (steps?: number) => ({
    now: now(),
    running: runs.count,
    chains: runs.pulses(steps),
    tracers: tracerRows(tracers()),
    troubles: troubles(),
  });
  return {
    watch: () => runs.watch(),
    unwatch: () => runs.unwatch(),
    snapshot: () => ({ service, step: PULSE_STEP, steps: PULSE_STEPS, ...standing(), runs: runs.rows() }),
    change(whole) {
      const { runs: rows, gone } = runs.changes();
      if (!whole && rows.length === 0 && gone.length === 0) return undefined;
      // Of the steps that are told once a second, the one before may have got its last runs.
      return { now: now(), runs: rows, gone, ...(whole && standing(2)) };
    },
  };
}

function tracerRows(tracers: ReturnType<PageSources['tracers']>) {
  return Object.entries(tracers).map(([name, standing]) => ({
    name,
    circuit: standing.circuit,
    pending: standing.pending,
    oldest_age: standing.oldestAge,
    retrying: standing.retrying,
    dead_letters: standing.deadLetters,
    ok: standing.ok,
    retried: standing.retried,
    dead: standing.dead,
    dropped: standing.dropped,
    skipped: standing.skipped,
  }));
}
