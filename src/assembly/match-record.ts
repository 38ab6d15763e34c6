import type { RecordFact } from '../model/fact.ts';
import { claimedTime, isTimed } from './claimed-times.ts';
import type { ClosedRun } from './closed-run.ts';
import { type ChainSpan, spanCount, workerOf } from './facts.ts';
import { isMadeIn, linkOf, mayBeMadeIn, mayEqual } from './fit.ts';
import { spanIdOf, traceIdOf } from './ids.ts';
import { isChainSpan, type Runs } from './match.ts';
import type { HeardRun, OpenRun, RunNames } from './open-run.ts';
import { SLACK, toHrTime, toMillis } from './times.ts';
import type { Worker } from './workers.ts';

/** Whose a record is; with it, the record without ids that turn out to be another's. */
export type RecordMatch =
  | {
      readonly whose: 'run';
      readonly run: OpenRun;
      readonly record: RecordFact;
      readonly root: string | undefined;
    }
  /** It is the first of a run. */
  | { readonly whose: 'new'; readonly names: RunNames; readonly record: RecordFact }
  | { readonly whose: 'repeated'; readonly run: OpenRun }
  /** That of a run that is over. */
  | { readonly whose: 'late'; readonly run: ClosedRun };

/**
 * Finds out whose a record is. Its ids are a hint only: what counts is what cannot be otherwise – the links, the uuid as it
 * stands, the index that is next, the worker, the time (CONSERVER §6).
 */
export function matchRecord(record: RecordFact, worker: Worker, runs: Runs): RecordMatch {
  const { open, closed } = runs;
  const root = rootOf(record, runs);
  const hinted = root === undefined ? undefined : open.of(root);
  if (hinted?.facts.records.get(record.index)?.seq === record.seq) return { whose: 'repeated', run: hinted };
  const isAgreed = hinted && mayEqual(hinted.chain, chainOf(record, runs));
  if (isAgreed && accepts(hinted, record, worker, runs))
    return { whose: 'run', run: hinted, record, root: undefined };
  const twin = twinOf(record, worker, runs);
  if (twin) return { whose: 'repeated', run: twin };
  const over = root === undefined ? undefined : closed.of(root);
  const isNew = root !== undefined && !hinted && !over;
  const isAnothers = hinted
    ? spanCount(hinted.facts) > 0
    : over !== undefined && !overRunOf(record, over, runs);
  const own = isAnothers ? { ...record, rootSpanId: undefined } : record;
  const newRoot = isNew ? root : undefined;
  const candidates = candidatesOf(worker, runs, [record.before, record.after]);
  const run =
    among(candidates, joins, own, newRoot, worker, runs) ??
    among(open.with(record.before), isInside, own, newRoot, worker, runs);
  if (run) return { whose: 'run', run, record: own, root: newRoot };
  const late = overRunOf(record, over, runs);
  if (late) return { whose: 'late', run: late };
  return { whose: 'new', names: namesOf(own, newRoot, runs), record: own };
}

/** Runs of a worker that something with these uuids can be of. There may be thousands of others while we catch up. */
export function candidatesOf(
  worker: Worker,
  { open }: Runs,
  uuids: readonly (string | undefined)[],
): Iterable<OpenRun> {
  const known = uuids.filter((uuid) => uuid !== undefined);
  if (known.length < uuids.length) return worker.runs;
  return [...open.maybeWith(known)].filter((run) => worker.runs.has(run));
}

/** Whether a record can be of a run. */
export function accepts(run: HeardRun, record: RecordFact, worker: Worker, runs: Runs): boolean {
  const { index, before, after, seq } = record;
  const { records, links, chainSpan } = run.facts;
  if (records.has(index)) return false;
  if (spanCount(run.facts) > 0 && !mayEqual(run.chain, chainOf(record, runs))) return false;
  if ((workerOf(run.facts) ?? worker.key) !== worker.key) return false;
  for (const known of records.values()) {
    if (!isSame(known.links, record.links)) return false;
    // A run's records are made one after the other.
    if (known.index < index !== known.seq < seq) return false;
  }
  if (!mayEqual(records.get(index - 1)?.after, before) || !mayEqual(after, records.get(index + 1)?.before))
    return false;
  if (index <= 0 && !mayEqual(chainSpan?.vconUuid, before)) return false;
  const span = links.get(linkOf(record));
  if (span && !mayEqual(span.vconUuid, before)) return false;
  // Where the ids agree, a clock that was set meanwhile is no reason to doubt them.
  if (span && span.spanId === record.spanId && span.name === record.links[linkOf(record)]) return true;
  if (chainSpan && !isDuring(chainSpan, record)) return false;
  return !span || mayBeMadeIn(run.facts, span, record);
}

/** Whether a record is the one before or after another of a run, the vCon having the same uuid in between. */
export function joins({ facts: { records } }: HeardRun, { index, before, after }: RecordFact): boolean {
  const previous = records.get(index - 1);
  const next = records.get(index + 1);
  return (
    (previous !== undefined && mayEqual(previous.after, before)) ||
    (next !== undefined && mayEqual(after, next.before))
  );
}

/** Whether a record was made while one of a run's links was open. */
export function isInside({ facts }: HeardRun, record: RecordFact, slack = SLACK): boolean {
  const span = facts.links.get(linkOf(record));
  return span !== undefined && isMadeIn(facts, span, record, slack);
}

/** The id that a record has of its chain span, unless that is not to be believed. */
function rootOf(record: RecordFact, runs: Runs): string | undefined {
  return hasFalseIds(record, runs) ? undefined : record.rootSpanId;
}

/** A chain span that is current itself is a failed run's: then none of the ids are this run's. */
export function hasFalseIds({ spanId, chain, links }: RecordFact, runs: Runs): boolean {
  if (spanId !== undefined && isChainSpan(spanId, runs)) return true;
  if (chain === undefined) return false;
  // A chain with such links is configured, and it is not this one.
  const known = runs.chains.get(chain)?.links;
  return known !== undefined && !isSame(known, links) && runs.chains.onlyWith(links) !== undefined;
}

/** What stands on another span than a link's is another chain's. */
function chainOf(record: RecordFact, runs: Runs): string | undefined {
  const isSaid = rootOf(record, runs) !== undefined || record.spanId === undefined;
  return (isSaid ? record.chain : undefined) ?? runs.chains.onlyWith(record.links);
}

/** Where two tracers of one server forward, both send the same. */
function twinOf(record: RecordFact, worker: Worker, runs: Runs): OpenRun | undefined {
  const { tracer, index, before, after, links } = record;
  for (const run of candidatesOf(worker, runs, [before, after])) {
    const known = run.facts.records.get(index);
    if (!known || known.tracer === tracer) continue;
    if (known.before === before && known.after === after && isSame(known.links, links)) return run;
  }
  return undefined;
}

/** The run of a record if that is over, so far as that can be known. */
function overRunOf(
  { index, time, before, chain, links }: RecordFact,
  over: ClosedRun | undefined,
  { closed, chains }: Runs,
): ClosedRun | undefined {
  const at = toMillis(toHrTime(time));
  if (over) {
    // A run that was given up goes on; one that begins after this one's end is another with a wrong id.
    const goesOn = index >= 0 && before !== undefined && over.uuids.includes(before);
    return at <= over.to || goesOn ? over : undefined;
  }
  const known = before === undefined ? undefined : closed.at(before, at);
  return known && mayEqual(known.chain, chain ?? chains.onlyWith(links)) ? known : undefined;
}

/**
 * The run among some that a record must be of; of several, the one that began last.
 * @param isTied what ties it to a run
 * @param root what it says of its chain span, where that is of no run that is known
 */
function among(
  some: Iterable<OpenRun>,
  isTied: (run: HeardRun, record: RecordFact) => boolean,
  record: RecordFact,
  root: string | undefined,
  worker: Worker,
  runs: Runs,
): OpenRun | undefined {
  const chain = chainOf(record, runs);
  let found: OpenRun | undefined;
  for (const run of some) {
    const isAnother = root !== undefined && run.rootSpanId !== undefined && root !== run.rootSpanId;
    if (isAnother || !mayEqual(run.chain, chain) || !isTied(run, record)) continue;
    if (accepts(run, record, worker, runs)) found = run;
  }
  return found;
}

function namesOf(record: RecordFact, root: string | undefined, runs: Runs): RunNames {
  const { worker, seq, traceId } = record;
  const words = [worker.host, worker.pid, seq, claimedTime(record)] as const;
  // Events may have been emitted under that id.
  const isTaken = root !== undefined && (runs.open.called(root) || runs.closed.hasId(root));
  return {
    id: root === undefined || isTaken ? spanIdOf(...words) : root,
    rootSpanId: root,
    traceId: (root === undefined ? undefined : traceId) ?? traceIdOf(...words),
    chain: chainOf(record, runs),
  };
}

/** Whether a record was made while a chain span was open, of which the end means nothing without a status. */
function isDuring(span: ChainSpan, record: RecordFact): boolean {
  const { start, end, undecided } = span;
  const at = toMillis(toHrTime(record.time));
  if (!isTimed(span) || !isTimed(record)) return true;
  return at >= toMillis(start) - SLACK && (undecided || at <= toMillis(end) + SLACK);
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some === others || (some.length === others.length && some.every((link, i) => link === others[i]));
}

/** The run of a record that came before: whoever sends it again may want to wait for what it tells. */
export function runOfRepeat({ index, seq }: RecordFact, runs: ReadonlySet<OpenRun>): OpenRun | undefined {
  for (const run of runs) if (run.facts.records.get(index)?.seq === seq) return run;
  return undefined;
}
