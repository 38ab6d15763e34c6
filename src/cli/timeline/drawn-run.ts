import type { Run, RunStep } from '../../model/run.ts';
import type { LinkedRun, TimelineRun, TimelineStep } from './timeline-run.ts';

/** What there is to draw besides what a {@link Run} has. */
export interface DrawnBeside {
  /** Its steps with what happened inside them; the steps alone where absent. */
  readonly rows?: readonly TimelineStep[];
  readonly linkedFrom?: readonly LinkedRun[];
  /** It is known to have begun, and may go on. */
  readonly open?: boolean;
  /** Milliseconds since the Unix epoch up to which what goes on is drawn; the latest that is known of it where absent. */
  readonly until?: number;
}

/** A run as it is drawn. What has not ended is drawn up to the latest moment that is known. */
export function drawnRun(
  run: Run,
  { rows, linkedFrom = [], open = false, until = 0 }: DrawnBeside = {},
): TimelineRun {
  const latest = Math.max(latestOf(run), until);
  const hasEnded = run.phase === 'complete' || run.phase === 'error';
  const ongoing = run.duration === undefined;
  return {
    runId: run.runId,
    traceId: run.spanContext.traceId,
    chain: run.chain,
    vconUuid: run.inVconUuid,
    outVconUuid: run.outVconUuid,
    outcome: run.outcome,
    errorType: run.errorType,
    start: run.start,
    duration: run.duration ?? roundedSeconds(run.start, latest),
    truncated: !hasEnded,
    ...(open && run.phase === 'start' && { open }),
    linkedFrom,
    late: run.late ?? 0,
    ...(run.sender !== undefined && { sender: run.sender }),
    steps:
      rows ??
      run.steps.toSorted((a, b) => a.start - b.start).map((step) => drawnStep(step, run.start, 0, latest)),
    inferred: CONCLUDED.filter(
      ([name, key]) => run.inferred.includes(name) || (ongoing && key !== 'outcome'),
    ).map(([, key]) => key),
  };
}

/**
 * A step of a run as it is drawn.
 * @param origin when the run began, milliseconds since the Unix epoch
 * @param latest up to when it is drawn if it has not ended
 */
export function drawnStep(step: RunStep, origin: number, depth: number, latest = step.start): TimelineStep {
  const { stage, name, index, outcome, errorType, start, duration } = step;
  return {
    stage,
    name,
    index,
    outcome,
    errorType,
    start: roundedSeconds(origin, start),
    duration: duration ?? roundedSeconds(start, latest),
    depth,
    vconUuid: step.inVconUuid,
    outVconUuid: stage === 'link' ? step.outVconUuid : undefined,
  };
}

/** Microseconds are what a double can hold of a time of day; more digits would be invented. */
export function roundedSeconds(from: number, to: number): number {
  return Math.round((to - from) * 1e3) / 1e6;
}

const CONCLUDED = [
  ['outcome', 'outcome'],
  ['duration', 'duration'],
  ['out_vcon_uuid', 'outVconUuid'],
] as const;

function latestOf({ start, end = start, steps }: Run): number {
  return steps.reduce((latest, step) => Math.max(latest, step.start, step.end ?? 0), Math.max(start, end));
}
