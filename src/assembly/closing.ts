import type { ConfiguredChain } from './configured-chains.ts';
import { failedLink, isGapless, lastLink, linksOf, type RunFacts, spanCount } from './facts.ts';

/**
 * Whether everything that is to be expected of a run has come, so that only a latecomer is waited for (CONSERVER §6,
 * closing a run): its end, without a gap before; or, where nobody sends spans, the record of its last link.
 * @param spansMayCome the server sends spans, so far as is known
 */
export function seemsOver(
  facts: RunFacts,
  configured: ConfiguredChain | undefined,
  spansMayCome: boolean,
): boolean {
  if (!isGapless(facts)) return false;
  const links = linksOf(facts, configured?.links);
  const isLast = lastLink(facts) === links.value.length - 1;
  // Storages are written when all links have ended.
  if (facts.storages.length > 0 && !isLast && !links.inferred) return false;
  if (isEndHeard(facts)) return true;
  if (spanCount(facts) > 0 || (spansMayCome && isRecorded(facts))) return false;
  return isLast;
}

/**
 * Whether the end of a run was heard: a link that failed, or its chain span, with a status or after a storage. What its
 * span leaves undecided, another span may still say.
 */
export function isEndHeard(facts: RunFacts): boolean {
  const { chainSpan, storages } = facts;
  if (failedLink(facts)) return true;
  return chainSpan !== undefined && (!chainSpan.undecided || storages.length > 0);
}

/** A run that the server's sampler leaves out has no ids. */
function isRecorded({ records }: RunFacts): boolean {
  for (const { traceId } of records.values()) if (traceId !== undefined) return true;
  return false;
}
