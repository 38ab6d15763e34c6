import type { SelectedRun } from './select-runs.ts';
import { readJsonValues } from './trace-file.ts';
import { readSpans, type TraceSpan } from './trace-span.ts';

/** The spans that the wanted runs are drawn from. */
export interface CollectedSpans {
  /** By trace id, then by span id: what arrives twice is there once. */
  readonly traces: ReadonlyMap<string, ReadonlyMap<string, TraceSpan>>;
  /** Chains by run id, of the runs that queued a wanted one. */
  readonly chains: ReadonlyMap<string, string>;
  /** Spans left out because a run has too many. */
  readonly dropped: number;
}

/** A run's share of somebody else's spans: a link may make any number of Redis calls. */
const MAX_SPANS_PER_RUN = 1_000;

/**
 * Reads a file again for the spans of these runs. A trace can hold hundreds of other runs (CONSERVER §4), so of
 * somebody else's spans only those are kept that began while the wanted ones were under way.
 * @throws VconOtelError `FILE_UNUSABLE`
 */
export async function collectSpans(
  path: string,
  runs: ReadonlyMap<string, SelectedRun>,
): Promise<CollectedSpans> {
  const byTrace = Map.groupBy(runs.values(), (run) => run.traceId);
  const windows = new Map([...byTrace].map(([traceId, group]) => [traceId, windowOf(group)]));
  const passages = Map.groupBy(
    [...runs.values()].flatMap((run) => [...run.vconUuids].map((uuid) => ({ run, uuid }))),
    ({ run, uuid }) => passageKey(run.chain, uuid),
  );
  const queuedBy = new Set([...runs.values()].flatMap((run) => run.linkedFrom));
  const traces = new Map<string, Map<string, TraceSpan>>();
  const chains = new Map<string, string>();
  let dropped = 0;
  for await (const value of readJsonValues(path))
    for (const read of readSpans(value).spans) {
      if (read.facts?.stage === 'chain' && queuedBy.has(read.spanId))
        chains.set(read.spanId, read.facts.chain);
      const span = adopt(read, passages);
      const window = windows.get(span.traceId);
      if (!window) continue;
      const { spanId, parentSpanId = '' } = span;
      if (!runs.has(spanId) && !runs.has(parentSpanId) && !isDuring(span, window)) continue;
      const spans = traces.get(span.traceId) ?? new Map<string, TraceSpan>();
      traces.set(span.traceId, spans);
      // Our own spans come after what happened inside them, so there has to be room left for them.
      const room = MAX_SPANS_PER_RUN * window.runs * (span.facts ? 2 : 1);
      if (spans.size < room || spans.has(spanId)) spans.set(spanId, span);
      else dropped++;
    }
  return { traces, chains, dropped };
}

/** From when to when the wanted runs of a trace were under way, and how many there are. */
interface Window {
  readonly start: bigint;
  readonly end: bigint;
  readonly runs: number;
}

function windowOf(runs: readonly SelectedRun[]): Window {
  const start = runs.reduce((least, run) => (run.start < least ? run.start : least), runs[0]?.start ?? 0n);
  const end = runs.reduce((most, run) => (run.end > most ? run.end : most), 0n);
  return { start, end, runs: runs.length };
}

/** Runs by chain and uuid. */
type Passages = ReadonlyMap<string, readonly { readonly run: SelectedRun }[]>;

function isDuring(span: TraceSpan, { start, end }: { start: bigint; end: bigint }): boolean {
  return span.start >= start && span.start <= end;
}

/**
 * A storage that a thread wrote without the context of the trace is the root of a trace of its own: it belongs
 * to the run of that vCon through that chain at that time (CONSERVER §4).
 */
function adopt(span: TraceSpan, passages: Passages): TraceSpan {
  const { facts, parentSpanId } = span;
  if (!facts?.vconUuid || facts.stage === 'chain' || parentSpanId) return span;
  const candidates = passages.get(passageKey(facts.chain, facts.vconUuid));
  const run = candidates?.findLast((candidate) => isDuring(span, candidate.run))?.run;
  return run ? { ...span, traceId: run.traceId, parentSpanId: run.runId } : span;
}

function passageKey(chain: string, uuid: string): string {
  return JSON.stringify([chain, uuid]);
}
