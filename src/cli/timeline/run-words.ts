import { spanName } from '../../model/semconv.ts';
import { formatDuration } from './format-duration.ts';
import type { TimelineRun, TimelineStep } from './timeline-run.ts';

/** How a run or a step is shown; `unknown` where it has not ended, or nothing tells how. */
export type Look = 'success' | 'halt' | 'error' | 'unknown';

export function lookOf({ outcome }: TimelineRun): Look {
  if (outcome === undefined || outcome === 'unknown') return 'unknown';
  return outcome === 'complete' ? 'success' : outcome === 'halted' ? 'halt' : 'error';
}

/** `complete`, `halted`, `error RangeError`; undefined where it is not known. */
export function outcomeWords({ outcome, errorType }: TimelineRun): string | undefined {
  return outcome === 'error' && errorType ? `error ${errorType}` : outcome;
}

/** Why there is no end to show. */
export function missingOf({ open, truncated, outcome }: TimelineRun): string | undefined {
  if (open) return 'not over yet';
  if (!truncated) return undefined;
  return outcome === 'unknown' ? 'its end is not known' : 'without its chain span';
}

/** What came too late to be stated; undefined where nothing did. */
export function lateOf({ late }: TimelineRun): string | undefined {
  return late > 0 ? `${late} came late` : undefined;
}

/** A run's duration, with `~` where it was concluded. */
export function durationOf({ duration, inferred }: TimelineRun): string {
  return (inferred.includes('duration') ? '~' : '') + formatDuration(duration);
}

/** A step's duration, with `~` where it has not ended: up to then nothing was heard of its end. */
export function stepDurationOf({ outcome, duration }: TimelineStep): string {
  return (outcome === undefined ? '~' : '') + formatDuration(duration);
}

export function isChanged(of: {
  readonly vconUuid: string | undefined;
  readonly outVconUuid: string | undefined;
}): boolean {
  return of.vconUuid !== undefined && of.outVconUuid !== undefined && of.vconUuid !== of.outVconUuid;
}

/** `link.tag`, `storage.files`, or whatever somebody else called a span. */
export function stepName({ stage, name }: TimelineStep): string {
  return stage === 'other' ? name : spanName(stage, name);
}
