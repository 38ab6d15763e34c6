import type { ChainOutcome } from '../model/event.ts';
import type { TimelineRun, TimelineStep } from './timeline-run.ts';
import type { TraceSpan } from './trace-span.ts';

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
    if (head && (isWanted(runId) || steps.some((step) => isWanted(step.parentSpanId ?? ''))))
      runs.push(buildRun({ runId, head, steps, descendants }, chains));
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

interface RunSpans {
  readonly runId: string;
  /** The chain span, or the first step where that never came. */
  readonly head: TraceSpan;
  /** Links and storages in order of start. */
  readonly steps: readonly TraceSpan[];
  readonly descendants: readonly Descendant[];
}

function buildRun(spans: RunSpans, chains: ReadonlyMap<string, string>): TimelineRun {
  const { runId, head, steps, descendants } = spans;
  const chainSpan = isChain(head) ? head : undefined;
  const failed = steps.find((step) => step.facts?.stage === 'link' && step.status === 'error');
  const written = writtenOutcome(chainSpan, failed);
  const outcome = written ?? inferOutcome(chainSpan, steps);
  const endIsWrong = !chainSpan || (isUnsetByPython(chainSpan) && steps.length > 0);
  const end = endIsWrong ? latestEnd(steps) : head.end;
  const leaving = chainSpan?.facts?.outVconUuid;

  const inferred: TimelineRun['inferred'][number][] = [];
  if (outcome && !written) inferred.push('outcome');
  if (endIsWrong) inferred.push('duration');
  const vconUuid = head.facts?.vconUuid;
  const outVconUuid = leaving ?? leftBy(steps, steps.length - 1) ?? vconUuid;
  if (outVconUuid !== undefined && leaving === undefined) inferred.push('outVconUuid');

  return {
    runId,
    traceId: head.traceId,
    chain: head.facts?.chain ?? '?',
    vconUuid,
    outVconUuid,
    outcome,
    errorType: outcome === 'error' ? (failed ?? head).errorType : undefined,
    // Microseconds are what a double can hold of a time of day.
    start: Number(head.start / 1_000n) / 1_000,
    duration: seconds(end - head.start),
    truncated: !chainSpan,
    linkedFrom: (chainSpan?.links ?? []).map(({ spanId, traceId }) => ({
      runId: spanId,
      traceId,
      chain: chains.get(spanId),
    })),
    steps: descendants
      // What comes after such an end is not of this run: its span was still current when the worker went on.
      .filter(({ span }) => span.facts || !endIsWrong || span.start <= end)
      .map(({ span, depth }) => buildStep(span, depth, head.start, leftBy(steps, steps.indexOf(span)))),
    inferred,
  };
}

/** DESIGN §4: a run failed when its chain span or any of its links has ERROR. */
function writtenOutcome(
  chain: TraceSpan | undefined,
  failed: TraceSpan | undefined,
): ChainOutcome | undefined {
  if (failed || chain?.status === 'error') return 'error';
  const outcome = chain?.facts?.outcome;
  return outcome === 'complete' || outcome === 'halted' || outcome === 'error' ? outcome : undefined;
}

function inferOutcome(chain: TraceSpan | undefined, steps: readonly TraceSpan[]): ChainOutcome | undefined {
  if (steps.some((step) => step.facts?.outcome === 'halt')) return 'halted';
  if (!chain) return undefined;
  return isUnsetByPython(chain) ? 'error' : 'complete';
}

/** Such a chain span failed, and was ended not then but by a later garbage collection (CONSERVER §4). */
function isUnsetByPython(chain: TraceSpan): boolean {
  return chain.facts?.python === true && chain.status === 'unset';
}

function latestEnd(steps: readonly TraceSpan[]): bigint {
  return steps.reduce((latest, step) => (step.end > latest ? step.end : latest), 0n);
}

/** The uuid that left a step: as it says, else what entered the next one, else what entered it. */
function leftBy(steps: readonly TraceSpan[], index: number): string | undefined {
  const step = steps[index]?.facts;
  return step?.outVconUuid ?? steps[index + 1]?.facts?.vconUuid ?? step?.vconUuid;
}

function buildStep(
  { facts, name, status, errorType, start, end }: TraceSpan,
  depth: number,
  origin: bigint,
  leaving: string | undefined,
): TimelineStep {
  const stage = facts && facts.stage !== 'chain' ? facts.stage : 'other';
  return {
    stage,
    name: facts?.name ?? name,
    index: facts?.index,
    outcome: status === 'error' ? 'error' : facts?.outcome === 'halt' ? 'halt' : 'success',
    errorType,
    start: seconds(start - origin),
    duration: seconds(end - start),
    depth,
    vconUuid: facts?.vconUuid,
    outVconUuid: stage === 'link' ? leaving : undefined,
  };
}

function byTime(a: TraceSpan, b: TraceSpan): number {
  if (a.start !== b.start) return a.start < b.start ? -1 : 1;
  return a.end < b.end ? -1 : a.end > b.end ? 1 : 0;
}

/** @param nanos - a difference, small enough for a double. */
function seconds(nanos: bigint): number {
  return Number(nanos) / 1e9;
}
