import type { RecordFact, SpanFact } from '../model/fact.ts';
import { isTimed } from './claimed-times.ts';
import { failedLink, type LinkSpan, linkIndex, type RunFacts, type StorageSpan } from './facts.ts';
import type { HeardRun } from './open-run.ts';
import { compareTimes, SLACK, toHrTime, toMillis } from './times.ts';

/** Links and storages of one run, beyond which something else is sent to us. */
const MAX_LINKS = 1_000;
const MAX_STORAGES = 1_000;

/** Whether a span that says it belongs to a run can be of it. */
export function fitOf(
  { chain, facts }: Pick<HeardRun, 'chain' | 'facts'>,
  span: SpanFact,
): 'fits' | 'repeated' | 'foreign' {
  if (chain !== undefined && span.chain !== chain) return 'foreign';
  if (span.stage === 'chain') {
    if (facts.chainSpan) return facts.chainSpan.spanId === span.spanId ? 'repeated' : 'foreign';
    return mayEqual(facts.records.get(-1)?.before, span.vconUuid) ? 'fits' : 'foreign';
  }
  if (span.stage === 'storage') {
    if (facts.storages.some(({ spanId }) => spanId === span.spanId)) return 'repeated';
    return facts.storages.length < MAX_STORAGES && isInTime(facts, span) ? 'fits' : 'foreign';
  }
  const index = linkIndex(facts, span);
  if (index >= MAX_LINKS) return 'foreign';
  const there = facts.links.get(index);
  if (there) return there.spanId === span.spanId ? 'repeated' : 'foreign';
  return isInTime(facts, span) && agreesWithRecord(facts, span, index) ? 'fits' : 'foreign';
}

/** Whether a record was made while a link's span was open. */
export function isMadeIn(facts: RunFacts, span: LinkSpan, record: RecordFact, slack = SLACK): boolean {
  const at = toMillis(toHrTime(record.time));
  return (
    isNamedBy(facts, span, record) && at >= toMillis(span.start) - slack && at <= toMillis(span.end) + slack
  );
}

/** The same, as far as it is known when both happened. */
export function mayBeMadeIn(facts: RunFacts, span: LinkSpan, record: RecordFact): boolean {
  if (isTimed(span) && isTimed(record)) return isMadeIn(facts, span, record);
  return isNamedBy(facts, span, record);
}

function isNamedBy(facts: RunFacts, span: LinkSpan, record: RecordFact): boolean {
  const index = linkIndex(facts, span);
  return linkOf(record) === index && record.links[index] === span.name;
}

/** The link in which a record is made: the call before the first link is made inside that. */
export function linkOf({ index }: RecordFact): number {
  return Math.max(index, 0);
}

/** Whether two facts do not contradict each other: one of them may be unknown. */
export function mayEqual(one: string | undefined, other: string | undefined): boolean {
  return one === undefined || other === undefined || one === other;
}

/** A run ends with a link that fails, and a chain that succeeded is longer than everything in it. */
function isInTime(facts: RunFacts, span: LinkSpan | StorageSpan): boolean {
  if (!isTimed(span)) return true;
  const failed = failedLink(facts);
  if (failed && isTimed(failed) && compareTimes(span.start, failed.end) >= 0) return false;
  const { chainSpan } = facts;
  if (!chainSpan || !isTimed(chainSpan)) return true;
  const start = toMillis(span.start);
  if (start < toMillis(chainSpan.start) - SLACK) return false;
  return chainSpan.undecided || start <= toMillis(chainSpan.end) + SLACK;
}

function agreesWithRecord(facts: RunFacts, span: LinkSpan, index: number): boolean {
  const record = facts.records.get(index) ?? (index === 0 ? facts.records.get(-1) : undefined);
  // Where the ids agree, a clock that was set meanwhile is no reason to doubt them.
  return !record || record.spanId === span.spanId || mayBeMadeIn(facts, span, record);
}
