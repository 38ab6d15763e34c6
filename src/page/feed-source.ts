import type { Clock } from '../model/clock.ts';
import type { FeedChange, FeedSnapshot, Standing } from './feed-message.ts';
import { PULSE_STEP, PULSE_STEPS } from './live/chain-pulse.ts';
import type { FeedSource } from './live/feed.ts';
import type { LiveRuns } from './live/live-runs.ts';
import { TracerRows } from './live/tracer-rows.ts';
import type { PageSources } from './page-sources.ts';

/** What of the sources a feed tells. */
export type FeedSources = Pick<PageSources, 'service' | 'tracers' | 'troubles'>;

/** What viewers are told: runs as they change, and once a second how chains and tracers stand. */
export function feedSource(
  runs: LiveRuns,
  { service, tracers, troubles }: FeedSources,
  { now }: Pick<Clock, 'now'>,
): FeedSource<FeedSnapshot, FeedChange> {
  const rows = new TracerRows(tracers);
  const standing = (steps?: number): Standing => ({
    running: runs.count,
    chains: runs.pulses(steps),
    stalled: runs.stalled,
    tracers: rows.look(now()),
    troubles: troubles(),
  });
  return {
    watch: () => runs.watch(),
    unwatch: () => runs.unwatch(),
    snapshot: () => ({
      ...{ service, now: now(), step: PULSE_STEP, steps: PULSE_STEPS },
      ...standing(),
      runs: runs.rows(),
    }),
    change(whole) {
      const { runs: changed, gone } = runs.changes();
      if (!whole && changed.length === 0 && gone.length === 0) return undefined;
      // Of the steps that are told once a second, the one before may have got its last runs.
      return { now: now(), runs: changed, gone, ...(whole && standing(2)) };
    },
  };
}
