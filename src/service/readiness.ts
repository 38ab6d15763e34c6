import type { Readiness } from '../admin/health.ts';
import { isFailing, type ReceiverStats } from './receivers.ts';
import type { TracingStats } from './tracing.ts';
import { troubles } from './troubles.ts';

/** What `/readyz` says of a service that has not started everything yet. */
export const STARTING: Readiness = { ready: false, details: { troubles: ['it is starting'] } };

/**
 * What `/readyz` says. Ready as long as events can be kept, and streams be read, by nobody else in our place: a tracer that
 * does not hear them is a trouble, and nobody's fault who asks.
 */
export function readinessOf(stats: TracingStats, isEnding: boolean): Readiness {
  const { events, openRuns, tracers, threads, exporters, issues, journal, receivers } = stats;
  const streams = Object.values(receivers?.streams ?? {});
  const isStandby = streams.some(({ holder }) => holder !== undefined);
  return {
    ready: !isEnding && !journal.failing && !journal.full && !isStandby && !streams.some(isFailing),
    details: {
      troubles: troubles(stats),
      events,
      open_runs: openRuns,
      journal,
      ...(receivers && { receivers: receiverDetails(receivers) }),
      tracers: Object.fromEntries(
        Object.entries(tracers).map(([name, { oldestAge, deadLetters, ...counts }]) => [
          name,
          {
            ...counts,
            oldest_age: oldestAge,
            dead_letters: deadLetters,
            ...(threads[name] && { thread_ends: threads[name].ends }),
          },
        ]),
      ),
      exporters,
      issues,
    },
  };
}

function receiverDetails({ openRuns, spans, records, issues, streams }: ReceiverStats) {
  return {
    open_runs: openRuns,
    spans,
    records,
    issues,
    ...Object.fromEntries(
      Object.entries(streams).map(([name, stream]) => [
        name,
        { ...stream, failure: stream.failure?.message, error_type: stream.failure?.code },
      ]),
    ),
  };
}
