import type { SpanFact } from '../model/fact.ts';
import { spanCount, spansOf, uuidsOf } from './facts.ts';
import { fitOf, isMadeIn, linkOf, mayEqual } from './fit.ts';
import { asFound, type Findings, isMisled, mislead, type Runs } from './match.ts';
import { accepts, candidatesOf, hasFalseIds, isInside, joins } from './match-record.ts';
import { isRecordedIn, recordedAs } from './match-span.ts';
import { belongsTo } from './match-unplaced.ts';
import { type HeardRun, type OpenRun, united, withoutIds } from './open-run.ts';
import { SLACK } from './times.ts';
import type { Worker } from './workers.ts';

/** Runs that turn out to be one; none where it has no parts. */
export interface Union extends Findings {
  /** The one that stays: the one of which something was emitted already, if there is one. */
  readonly whole: OpenRun;
  /** What it is with all of them. */
  readonly as: HeardRun;
  readonly parts: readonly OpenRun[];
}

/**
 * Records with other ids, or that came before the first of their run, make two runs of a worker out of one: they are one
 * if their records join on to each other, or were made inside the other's links.
 * @param isLast nothing more is to be expected of the run: then what was made inside its links is of it, whatever it says
 */
export function unionByRecords(run: OpenRun, worker: Worker | undefined, runs: Runs, isLast: boolean): Union {
  const misled = new Set<OpenRun>();
  const parts: OpenRun[] = [];
  if (!worker) return { misled, whole: run, as: run, parts };
  let whole = run;
  let as: HeardRun = run;
  const candidates = (of: OpenRun, like: HeardRun) =>
    candidatesOf(worker, runs, [...uuidsOf(like.facts), ...(runs.open.isNameless(of) ? [undefined] : [])]);
  const others = new Set(candidates(run, run));
  for (const other of others) {
    if (other === whole || parts.includes(other)) continue;
    const one = { run: whole, as: as };
    const another = { run: other, as: asFound(other, { misled }) };
    const [host, part] = other.emitted ? [another, one] : [one, another];
    if (part.run.emitted || (spanCount(host.as.facts) > 0 && spanCount(part.as.facts) > 0)) continue;
    for (const each of [host, part]) {
      if (each.as.isMisled || spanCount(each.as.facts) > 0 || !hasAnyFalseIds(each.as, runs)) continue;
      misled.add(each.run);
      each.as = withoutIds(each.as);
    }
    const believed = partOf(host.as, part.as, worker, runs, isLast);
    as = one.as;
    if (!believed) continue;
    // What joins on to the one may be known by another uuid than what joins on to the other.
    for (const more of candidates(other, another.as)) others.add(more);
    parts.push(part.run);
    whole = host.run;
    as = united(host.as, believed);
  }
  return { misled, whole, as, parts };
}

function hasAnyFalseIds({ facts: { records } }: HeardRun, runs: Runs): boolean {
  for (const record of records.values()) if (hasFalseIds(record, runs)) return true;
  return false;
}

/** @returns what is believed of a run that is a part of another; undefined where it is none */
function partOf(
  run: HeardRun,
  part: HeardRun,
  worker: Worker,
  runs: Runs,
  isLast: boolean,
): HeardRun | undefined {
  const mayJoin = run.rootSpanId === undefined || part.rootSpanId === undefined;
  if (!isLast && !(mayJoin && mayEqual(run.chain, part.chain))) return undefined;
  const records = [...part.facts.records.values()];
  // Where the ids say otherwise, another run of the same vCon may have been a moment later.
  const isCertain =
    records.length > 0 && records.every((record) => isInside(run, record, mayJoin ? SLACK : 0));
  if (!isCertain && !(mayJoin && records.some((record) => joins(run, record)))) return undefined;
  // Then even their chain is not what they say.
  const believed = isCertain && isLast && spanCount(part.facts) === 0 ? withoutRoots(part) : part;
  const isAccepted =
    [...believed.facts.records.values()].every((record) => accepts(run, record, worker, runs)) &&
    spansOf(part.facts).every((span) => fitOf(run, span) === 'fits');
  return isAccepted ? believed : undefined;
}

function withoutRoots(part: HeardRun): HeardRun {
  const records = [...part.facts.records].map(
    ([index, record]) => [index, { ...record, rootSpanId: undefined }] as const,
  );
  return { ...part, facts: { ...part.facts, records: new Map(records) } };
}

/** A run known by spans only, and one known only by records with wrong ids, may be one and the same. */
export function unionOfBoth(run: OpenRun, runs: Runs): Union {
  const misled = new Set<OpenRun>();
  const pair = spanCount(run.facts) > 0 ? recordsOf(run, runs, misled) : spansFor(run, runs, misled);
  if (!pair) return { misled, whole: run, as: run, parts: [] };
  const as = united(asFound(pair.records, { misled }), pair.spans);
  return { misled, whole: pair.records, as, parts: [pair.spans] };
}

interface Pair {
  readonly spans: OpenRun;
  readonly records: OpenRun;
}

function recordsOf(spans: OpenRun, runs: Runs, misled: Set<OpenRun>): Pair | undefined {
  if (spans.facts.records.size > 0 || runs.open.isAlone(spans)) return undefined;
  for (const span of spans.facts.links.values()) {
    for (const other of runs.open.with(span.vconUuid))
      if (spanCount(other.facts) === 0 && isAllInside(other, spans)) mislead(other, misled);
    const records = recordedAs(span, runs, misled);
    if (records) return { spans, records };
  }
  return undefined;
}

function spansFor(records: OpenRun, runs: Runs, misled: Set<OpenRun>): Pair | undefined {
  if (records.facts.records.size === 0) return undefined;
  if (isMisled(records.facts, runs, { misled })) mislead(records, misled);
  for (const uuid of uuidsOf(records.facts))
    for (const spans of runs.open.with(uuid)) {
      if (spans.facts.records.size > 0) continue;
      for (const span of spans.facts.links.values())
        if (isRecordedIn(asFound(records, { misled }), span)) return { spans, records };
    }
  return undefined;
}

/** Whether all records of a run were made inside another's links: then they are its records, whatever they say. */
function isAllInside({ facts: { records } }: OpenRun, { facts }: OpenRun): boolean {
  for (const record of records.values()) {
    const span = facts.links.get(linkOf(record));
    if (!span || !isMadeIn(facts, span, record, 0)) return false;
  }
  return records.size > 0;
}

/**
 * Links that are below a span of somebody else's, which lies between them and their chain span, seem to be a run of their
 * own.
 */
export function unionByTrace(run: OpenRun, runs: Runs): Union {
  const parts: OpenRun[] = [];
  let as: HeardRun = run;
  const { chainSpan } = run.facts;
  for (const other of chainSpan ? runs.open.with(chainSpan.vconUuid) : []) {
    if (other === run || other.facts.chainSpan || other.facts.records.size > 0) continue;
    const spans = spansOf(other.facts);
    const isOf = (span: SpanFact) =>
      span.traceId === run.traceId && belongsTo(as, span, runs) && fitOf(as, span) === 'fits';
    if (!spans.every(isOf)) continue;
    as = united(as, other);
    parts.push(other);
  }
  return { misled: new Set(), whole: run, as, parts };
}

/** Whether there is anything to unite, or to think better of. */
export function isUnion({ misled, parts }: Union): boolean {
  return misled.size + parts.length > 0;
}
