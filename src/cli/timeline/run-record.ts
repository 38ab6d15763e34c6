import type { TimelineRun, TimelineStep } from './timeline-run.ts';

/**
 * A run as it travels: {@link TimelineRun} in snake case, null for what is not known.
 * ```
 * { run_id, trace_id, chain, vcon_uuid, out_vcon_uuid, outcome: "complete"|"halted"|"error"|"unknown"|null, error_type,
 *   start: "2026-01-31T12:00:00.000Z", duration: 1.5 (seconds), truncated, linked_from: [{ run_id, trace_id, chain }],
 *   late: 0 (what came when it was over), sender, inferred: ["outcome"|"duration"|"out_vcon_uuid"],
 *   steps: [{ stage: "link"|"storage"|"other", name, index, outcome: "success"|"halt"|"error"|"unknown"|null, error_type,
 *             start: 0.25 (seconds from the run's), duration, depth, vcon_uuid, out_vcon_uuid }] }
 * ```
 */
export function runRecord(run: TimelineRun): Record<string, unknown> {
  return {
    run_id: run.runId,
    trace_id: run.traceId,
    chain: run.chain,
    vcon_uuid: run.vconUuid ?? null,
    out_vcon_uuid: run.outVconUuid ?? null,
    outcome: run.outcome ?? null,
    error_type: run.errorType ?? null,
    start: new Date(run.start).toISOString(),
    duration: run.duration,
    truncated: run.truncated,
    linked_from: run.linkedFrom.map(({ runId, traceId, chain }) => ({
      run_id: runId,
      trace_id: traceId,
      chain: chain ?? null,
    })),
    late: run.late,
    sender: run.sender ?? null,
    inferred: run.inferred.map((name) => (name === 'outVconUuid' ? 'out_vcon_uuid' : name)),
    steps: run.steps.map(stepRecord),
  };
}

function stepRecord(step: TimelineStep): Record<string, unknown> {
  return {
    stage: step.stage,
    name: step.name,
    index: step.index ?? null,
    outcome: step.outcome ?? null,
    error_type: step.errorType ?? null,
    start: step.start,
    duration: step.duration,
    depth: step.depth,
    vcon_uuid: step.vconUuid ?? null,
    out_vcon_uuid: step.outVconUuid ?? null,
  };
}
