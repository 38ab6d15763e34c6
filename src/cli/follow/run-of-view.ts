import { eventIdEndings } from '../../model/event-id.ts';
import type { GrowingStep } from '../../model/growing-run.ts';
import type { Run } from '../../model/run.ts';
import type { RunView } from '../../page/run-view.ts';

/** A run whose uuids are known, as far as anybody knows them. */
export type FollowedRun = Omit<Run, 'steps'> & {
  readonly inVconUuid: string;
  readonly outVconUuid: string;
  readonly steps: readonly GrowingStep[];
};

/** The run that was told of. @param vcon its vCon, where the news do not say */
export function runOfView(view: RunView, vcon: string): FollowedRun {
  const traceId = view.trace_id;
  const written = new Map<string, number>();
  const inVconUuid = view.vcon ?? vcon;
  return {
    runId: view.id,
    spanContext: contextOf(traceId, view.id),
    chain: view.chain,
    links: view.links,
    phase: view.lost ? 'lost' : phaseOf(view.outcome),
    inVconUuid,
    outVconUuid: view.out_vcon ?? inVconUuid,
    start: view.start,
    end: view.duration === null ? undefined : view.start + view.duration * 1e3,
    duration: view.duration ?? undefined,
    outcome: (view.outcome as Run['outcome'] | null) ?? undefined,
    errorType: view.error_type ?? undefined,
    vconSha256: view.sha256 ?? undefined,
    queuedBy: view.queued_by.map(({ id, trace_id }) => contextOf(trace_id, id)),
    inferred: view.inferred,
    sender: view.sender ?? undefined,
    late: view.late,
    steps: view.steps.map((step) => {
      const before = written.get(step.name) ?? 0;
      if (step.stage === 'storage') written.set(step.name, before + 1);
      const start = view.start + step.start * 1e3;
      const entered = step.vcon ?? inVconUuid;
      return {
        stage: step.stage === 'storage' ? 'storage' : 'link',
        name: step.name,
        index: step.index ?? undefined,
        eventIds: step.index === null ? eventIdEndings(step.name, before) : eventIdEndings(step.index),
        spanContext: contextOf(traceId, step.span_id),
        phase: phaseOf(step.outcome),
        inVconUuid: entered,
        outVconUuid: step.out_vcon ?? entered,
        start,
        end: step.duration === null ? undefined : start + step.duration * 1e3,
        duration: step.duration ?? undefined,
        outcome: (step.outcome as GrowingStep['outcome'] | null) ?? undefined,
        errorType: step.error_type ?? undefined,
        vconSha256: step.sha256 ?? undefined,
        inferred: step.inferred,
      };
    }),
  };
}

function phaseOf(outcome: string | null): 'start' | 'complete' | 'error' {
  if (outcome === null) return 'start';
  return outcome === 'error' ? 'error' : 'complete';
}

function contextOf(traceId: string, spanId: string) {
  return { traceId, spanId, traceFlags: 1 };
}
