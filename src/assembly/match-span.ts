import type { SpanFact } from '../model/fact.ts';
import { isTimed } from './claimed-times.ts';
import type { ClosedRun } from './closed-run.ts';
import { type LinkSpan, spanCount } from './facts.ts';
import { fitOf, isMadeIn } from './fit.ts';
import { spanIdOf } from './ids.ts';
import { asFound, type Findings, isMisled, mislead, type Runs } from './match.ts';
import type { HeardRun, OpenRun, RunNames } from './open-run.ts';
import { SLACK, toHrTime, toMillis } from './times.ts';

/** Whose a span is. */
export type SpanMatch = Findings &
  (
    | { readonly whose: 'run'; readonly run: OpenRun; readonly root: string | undefined }
    /** It is the first of a run. */
    | { readonly whose: 'new'; readonly names: RunNames; readonly root: string }
    /** That of a run that is over. */
    | { readonly whose: 'late'; readonly run: ClosedRun }
    /** Nobody's yet; it came before. */
    | { readonly whose: 'unplaced' | 'repeated' }
  );

/** Finds out whose a span is: mostly by its chain span's id, else by what cannot be otherwise. */
export function matchSpan(span: SpanFact, runs: Runs): SpanMatch {
  const root = span.stage === 'chain' ? span.spanId : span.parentSpanId;
  if (runs.unplaced.has(span.spanId)) return { misled: NOBODY, whose: 'repeated' };
  if (root === undefined) return ofNobody(span, runs);
  const run = runs.open.of(root);
  const fitting = run && fitOf(run, span);
  if (fitting === 'repeated') return { misled: NOBODY, whose: 'repeated' };
  if (run && fitting === 'fits') return { misled: NOBODY, whose: 'run', run, root };
  if (run && spanCount(run.facts) > 0) return { misled: NOBODY, whose: 'unplaced' };
  const misled = new Set<OpenRun>();
  // Only records have claimed this chain span, and not rightly.
  if (run) mislead(run, misled);
  return ofAnother(span, root, runs, misled);
}

const NOBODY: ReadonlySet<OpenRun> = new Set();

/** Whose a span is that says nothing of its chain span: older servers have none around it. */
function ofNobody(span: SpanFact, runs: Runs): SpanMatch {
  const misled = new Set<OpenRun>();
  const run = span.stage === 'link' ? recordedAs(span, runs, misled) : undefined;
  if (run) return { misled, whose: 'run', run, root: undefined };
  const over = overRunOf(span, runs);
  return over ? { misled, whose: 'late', run: over } : { misled, whose: 'unplaced' };
}

/** Whose a span is whose chain span is of no run that is open. */
function ofAnother(span: SpanFact, root: string, runs: Runs, misled: Set<OpenRun>): SpanMatch {
  const closed = runs.closed.of(root);
  if (closed && isOf(closed, span)) return { misled, whose: 'late', run: closed };
  // After a run has failed, the server may put spans of the next one below it.
  if (closed && span.stage !== 'chain') return { misled, whose: 'unplaced' };
  const run = recordedWithoutIds(span, runs, misled);
  if (run) return { misled, whose: 'run', run, root };
  const { traceId, chain } = span;
  const isTaken = closed || runs.open.called(root) || runs.closed.hasId(root);
  // Events may have been emitted under that id.
  const id = isTaken ? spanIdOf(root, 'itself') : root;
  return { misled, whose: 'new', names: { id, rootSpanId: root, traceId, chain }, root };
}

/** Whether a span can be of a run that is over. */
function isOf({ chain, uuids, to }: ClosedRun, span: SpanFact): boolean {
  if (chain !== span.chain) return false;
  return span.stage === 'chain'
    ? span.vconUuid === undefined || uuids.includes(span.vconUuid)
    : !isTimed(span) || toMillis(span.start) <= to + SLACK;
}

function overRunOf({ vconUuid, chain, start }: SpanFact, { closed }: Runs): ClosedRun | undefined {
  const run = vconUuid === undefined ? undefined : closed.at(vconUuid, toMillis(start));
  return run?.chain === chain ? run : undefined;
}

/** The run of which records came without a usable id of the chain span. */
function recordedWithoutIds(span: SpanFact, runs: Runs, misled: Set<OpenRun>): OpenRun | undefined {
  const hasNoRoot = (run: HeardRun) => run.rootSpanId === undefined;
  if (span.stage === 'storage') return undefined;
  if (span.stage === 'link') return recordedAs(span, runs, misled, hasNoRoot);
  for (const run of runs.open.with(span.vconUuid)) {
    const found = asFound(run, { misled });
    const { facts } = found;
    if (!hasNoRoot(found) || spanCount(facts) > 0 || fitOf(found, span) !== 'fits') continue;
    const isWithin = [...facts.records.values()].every((record) => {
      const time = toMillis(toHrTime(record.time));
      return time >= toMillis(span.start) - SLACK && (span.undecided || time <= toMillis(span.end) + SLACK);
    });
    if (isWithin) return run;
  }
  return undefined;
}

/**
 * The run, known by records only, of which one was made inside a link's span.
 * @param misled runs of which it turns out on the way that their ids are another's
 */
export function recordedAs(
  span: LinkSpan,
  runs: Runs,
  misled: Set<OpenRun>,
  isAsked: (run: HeardRun) => boolean = () => true,
): OpenRun | undefined {
  for (const run of runs.open.with(span.vconUuid)) {
    if (spanCount(run.facts) > 0 || !isAsked(asFound(run, { misled }))) continue;
    if (isMisled(run.facts, runs, { misled })) mislead(run, misled);
    if (isRecordedIn(asFound(run, { misled }), span)) return run;
  }
  return undefined;
}

/** Whether one of a run's records was made inside a link's span. */
export function isRecordedIn(run: HeardRun, span: LinkSpan): boolean {
  if (fitOf(run, span) !== 'fits') return false;
  for (const record of run.facts.records.values()) if (isMadeIn(run.facts, span, record)) return true;
  return false;
}
