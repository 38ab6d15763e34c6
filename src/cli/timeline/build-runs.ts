import { millisOf } from '../../model/nanoseconds.ts';
import type { Run, RunStep } from '../../model/run.ts';
import { drawnRun, drawnStep, roundedSeconds } from './drawn-run.ts';
import { runOfSpans } from './run-of-spans.ts';
import type { TimelineRun, TimelineStep } from './timeline-run.ts';
import { type TraceSpan, toSeconds } from './trace-span.ts';

/**
 * Builds the wanted runs of one trace: each chain span with all that happened under it up to the next chain span,
 * and each set of links and storages whose chain span is not among the spans.
 * @param isWanted - told the parents of a run's links and storages.
 * @param chains - names of other runs' chains by run id, for the hand-overs.
 */
export function buildRuns(
  spans: ReadonlyMap<string, TraceSpan>,
  isWanted: (runId: string) => boolean,
  chains: ReadonlyMap<string, string>,
): TimelineRun[] {
  const childrenOf = Map.groupBy(spans.values(), (span) => span.parentSpanId ?? '');
  for (const siblings of childrenOf.values()) siblings.sort(byTime);
  const runIds = [...spans.values()].filter(isChain).map((span) => span.spanId);
  for (const parentId of childrenOf.keys())
    if (parentId !== '' && !spans.has(parentId)) runIds.push(parentId);

  const runs: TimelineRun[] = [];
  for (const runId of runIds) {
    const descendants = descend(runId, childrenOf);
    const steps = descendants.flatMap(({ span }) => (span.facts ? [span] : [])).sort(byTime);
    const head = spans.get(runId) ?? steps[0];
    if (!head || !(isWanted(runId) || steps.some((step) => isWanted(step.parentSpanId ?? '')))) continue;
    const run = runOfSpans(runId, head, steps);
    runs.push(draw(run, descendants, chains));
  }
  return runs;
}

function isChain(span: TraceSpan): boolean {
  return span.facts?.stage === 'chain';
}

interface Descendant {
  readonly span: TraceSpan;
  readonly depth: number;
}

/** Not recursive: spans may be nested as deep as whoever wrote the file likes. */
function descend(runId: string, childrenOf: ReadonlyMap<string, readonly TraceSpan[]>): Descendant[] {
  const found: Descendant[] = [];
  const rest = (childrenOf.get(runId) ?? []).map((span) => ({ span, depth: 0 })).reverse();
  for (let next = rest.pop(); next; next = rest.pop()) {
    const { span, depth } = next;
    if (isChain(span)) continue;
    found.push(next);
    for (const child of childrenOf.get(span.spanId)?.toReversed() ?? [])
      rest.push({ span: child, depth: depth + 1 });
  }
  return found;
}

function draw(
  run: Run,
  descendants: readonly Descendant[],
  chains: ReadonlyMap<string, string>,
): TimelineRun {
  const steps = new Map(run.steps.map((step) => [step.spanContext.spanId, step]));
  const endIsWrong = run.inferred.includes('duration');
  return drawnRun(run, {
    rows: descendants
      // What comes after such an end is not of this run: its span was still current when the worker went on.
      .filter(
        ({ span }) => span.facts || !endIsWrong || run.end === undefined || millisOf(span.start) <= run.end,
      )
      .map(({ span, depth }) => rowOf(span, steps.get(span.spanId), run.start, depth)),
    linkedFrom: run.queuedBy.map(({ spanId, traceId }) => ({
      runId: spanId,
      traceId,
      chain: chains.get(spanId),
    })),
  });
}

function rowOf(span: TraceSpan, step: RunStep | undefined, origin: number, depth: number): TimelineStep {
  if (step) return drawnStep(step, origin, depth);
  const { name, start, end, failed, errorType } = span;
  return {
    stage: 'other',
    name,
    index: undefined,
    outcome: failed ? 'error' : 'success',
    errorType,
    start: roundedSeconds(origin, millisOf(start)),
    duration: toSeconds(end - start),
    depth,
    vconUuid: undefined,
    outVconUuid: undefined,
  };
}

function byTime(a: TraceSpan, b: TraceSpan): number {
  if (a.start !== b.start) return a.start < b.start ? -1 : 1;
  return a.end < b.end ? -1 : a.end > b.end ? 1 : 0;
}
