import type { SpanFact } from '../model/fact.ts';
import type { ConfiguredChain } from './configured-chains.ts';
import { failedLink, lastLink, type RunFacts, uuidsOf } from './facts.ts';
import { fitOf } from './fit.ts';
import { isChainSpan, type Runs } from './match.ts';
import { type HeardRun, hearSpan, type OpenRun } from './open-run.ts';
import { compareTimes, SLACK, toMillis } from './times.ts';

/** What is looked at when a span of unknown place is to be found a run: more is not worth the time. */
const MAX_LOOKED_AT = 200;

/** The spans, of those that nobody's are yet, that are a run's. */
export function spansToAdopt(run: OpenRun, runs: Runs): SpanFact[] {
  const { unplaced } = runs;
  if (run.chain === undefined || unplaced.size === 0) return [];
  const configured = runs.chains.get(run.chain);
  const adopted: SpanFact[] = [];
  let as: HeardRun = run;
  const look = (span: SpanFact) => {
    if (adopted.includes(span) || !belongsTo(as, span, runs) || !isWanted(as.facts, span, configured)) return;
    if (fitOf(as, span) !== 'fits') return;
    as = hearSpan(as, span, undefined).run;
    adopted.push(span);
  };
  for (const span of unplaced.of(run.chain, [...leavingUuid(run.facts), ...uuidsOf(run.facts)])) look(span);
  if (mayHaveNewUuid(as.facts, configured))
    for (const span of unplaced.ofChain(run.chain, MAX_LOOKED_AT))
      if (span.stage === 'storage' && isOnlyHome(run, span, configured, runs)) look(span);
  return adopted;
}

/** Whether a span that says nothing of its run, or something wrong, lies where a step of this one can have been. */
export function belongsTo({ traceId, facts }: HeardRun, span: SpanFact, runs: Runs): boolean {
  const { chainSpan, links } = facts;
  if (span.stage === 'chain' || !chainSpan) return false;
  const isSameTrace = span.traceId === traceId;
  // Below a chain span it is only wrong, but not somebody else's.
  const isElsewhere = span.parentSpanId !== undefined && !isChainSpan(span.parentSpanId, runs);
  if (!isSameTrace && span.stage === 'link' && isElsewhere) return false;
  const isWithin =
    toMillis(span.start) >= toMillis(chainSpan.start) - SLACK &&
    (chainSpan.undecided || toMillis(span.end) <= toMillis(chainSpan.end) + SLACK);
  if (!isWithin) return false;
  if (span.stage === 'link') return true;
  if (chainSpan.failed || failedLink(facts)) return false;
  const last = links.get(lastLink(facts));
  return (
    !last || compareTimes(span.start, last.end) >= 0 || SLACK > toMillis(last.end) - toMillis(span.start)
  );
}

/** Whether no other run can have written to the storage. */
function isOnlyHome(
  run: OpenRun,
  span: SpanFact,
  configured: ConfiguredChain | undefined,
  runs: Runs,
): boolean {
  let looked = 0;
  for (const other of runs.open) {
    looked += 1;
    if (looked > MAX_LOOKED_AT) return false;
    if (other === run || other.chain !== run.chain || !isWanted(other.facts, span, configured)) continue;
    if (belongsTo(other, span, runs)) return false;
  }
  return true;
}

/** Whether the last of a chain's links may have given the vCon a uuid that shows in nothing but its storages. */
function mayHaveNewUuid(facts: RunFacts, configured: ConfiguredChain | undefined): boolean {
  const { chainSpan, records, storages } = facts;
  const last = lastLink(facts);
  if (!chainSpan || chainSpan.failed || last === -1 || records.has(last)) return false;
  if (configured?.links !== undefined && last < configured.links.length - 1) return false;
  return storages.length === 0 && (configured?.storages?.length ?? 0) > 0;
}

/** The uuid that storages most probably see: none but the last link can have changed it since. */
function* leavingUuid(facts: RunFacts): Iterable<string> {
  const last = lastLink(facts);
  const uuid = facts.records.get(last)?.after ?? facts.links.get(last)?.vconUuid;
  if (uuid !== undefined) yield uuid;
}

/** Whether a step has a place in a run that is free: its chain writes to a storage once, if nothing else is configured. */
function isWanted({ storages }: RunFacts, span: SpanFact, configured: ConfiguredChain | undefined): boolean {
  if (span.stage !== 'storage') return true;
  const times = configured?.storages?.filter((name) => name === span.name).length ?? 1;
  return storages.filter(({ name }) => name === span.name).length < Math.max(times, 1);
}
