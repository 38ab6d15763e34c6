import type { ChainOutcome, LinkOutcome } from '../model/event.ts';
import type { RunEnding } from '../model/growing-run.ts';
import { isTimed } from './claimed-times.ts';
import type { ConfiguredChain } from './configured-chains.ts';
import { failedLink, firstTime, type Known, lastLink, lastTime, type RunFacts } from './facts.ts';
import { inferredNames } from './inferred.ts';
import { secondsBetween, toMillis } from './times.ts';

/** How a run ended, and the last link that is known to have run, as far as spans and records tell. */
export interface RunOutcome {
  readonly chain: ChainOutcome;
  /** Of a link that has not failed. */
  readonly link: Exclude<LinkOutcome, 'error'>;
  /** Its end cannot be known: not even whether it was without error. */
  readonly isLost: boolean;
  /** Nothing says it: it was concluded, or nobody can know. */
  readonly concluded: boolean;
}

const COMPLETE: RunOutcome = { chain: 'complete', link: 'success', isLost: false, concluded: false };
const HALTED: RunOutcome = { chain: 'halted', link: 'halt', isLost: false, concluded: true };
/** Without error, and in which of the two ways nobody can know. */
const UNKNOWN: RunOutcome = { chain: 'unknown', link: 'unknown', isLost: false, concluded: true };
const LOST: RunOutcome = { chain: 'unknown', link: 'unknown', isLost: true, concluded: true };

/** What is known of a run besides its facts. */
export interface Circumstances {
  readonly links: Known<readonly string[]>;
  readonly configured: ConfiguredChain | undefined;
  /** Spans of it may have been lost: what did not come says nothing. */
  readonly isGapped: boolean;
  /** More of it was to be expected, and did not come in time. */
  readonly isGivenUp: boolean;
}

/**
 * How a run ended (DESIGN §10). An error is an error, and what came is what it says. What did not come says something only
 * where the chain's links and storages are known, and nothing can be lost: the Python server leaves no mark of a halt.
 */
export function runOutcome(facts: RunFacts, known: Circumstances): RunOutcome {
  const { chainSpan, storages } = facts;
  // After a halt nothing is left that could fail.
  if (failedLink(facts) || chainSpan?.failed)
    return { chain: 'error', link: 'success', isLost: false, concluded: false };
  const said = saidOutcome(facts);
  if (said) return said;
  // Storages are written when all links have succeeded, and fail no chain.
  const hasStored = storages.length > 0;
  if (hasStored && chainSpan) return { ...COMPLETE, concluded: chainSpan.undecided };
  if (hasStored) return { ...LOST, link: 'success' };
  if (chainSpan && !chainSpan.undecided) return endedWell(facts, known);
  // Where nobody sends spans, the record of the last link is the last that is heard.
  if (!chainSpan && !known.isGivenUp) return UNKNOWN;
  return handsOn(facts) && facts.links.has(lastLink(facts)) ? { ...LOST, link: 'success' } : LOST;
}

/** What a span of ours says, or one that `vcon_otel.py` has healed. */
function saidOutcome(facts: RunFacts): RunOutcome | undefined {
  const said = facts.chainSpan?.outcome ?? facts.links.get(lastLink(facts))?.outcome;
  if (said === 'complete') return COMPLETE;
  if (said === 'halted' || (said === 'halt' && facts.chainSpan)) return { ...HALTED, concluded: false };
  return said === 'unknown' && facts.chainSpan?.outcome === said ? UNKNOWN : undefined;
}

/** Of a run whose chain span is OK, without a storage. */
function endedWell(facts: RunFacts, { links, configured, isGapped }: Circumstances): RunOutcome {
  const last = lastLink(facts);
  const isLast = !links.inferred && last === links.value.length - 1;
  if (isLast && (last === -1 || handsOn(facts))) return COMPLETE;
  if (handsOn(facts)) return { ...UNKNOWN, link: 'success' };
  if (links.inferred || isGapped || last === -1) return UNKNOWN;
  const storages = configured?.storages;
  if (isLast) return storages !== undefined && storages.length > 0 ? HALTED : UNKNOWN;
  return storages !== undefined || facts.records.has(last) ? HALTED : UNKNOWN;
}

/** Whether the last link returned another uuid: one that halts leaves it as it is. */
function handsOn(facts: RunFacts): boolean {
  const record = facts.records.get(lastLink(facts));
  return record?.after !== undefined && record.after !== record.before;
}

/** How a run ended. @param uuid as the last link has left it */
export function endingOf(facts: RunFacts, uuid: string, { chain, isLost, concluded }: RunOutcome): RunEnding {
  const { chainSpan, records } = facts;
  const failed = failedLink(facts);
  const last = lastLink(facts);
  const start = chainSpan?.start ?? firstTime(facts);
  // One without a status ends whenever the Python server's memory is cleaned up.
  const isEndKnown = chainSpan !== undefined && !chainSpan.undecided;
  const end = (isEndKnown ? chainSpan.end : (failed?.end ?? lastTime(facts) ?? chainSpan?.end)) ?? start;
  const isOutKnown =
    chain === 'error' || last < 0 || (records.get(last)?.after ?? chainSpan?.outVconUuid) !== undefined;
  const errorType = failed?.errorType ?? chainSpan?.errorType ?? '_OTHER';
  return {
    end: toMillis(end),
    duration: secondsBetween(start, end),
    vconSha256: records.get(last)?.vconSha256,
    outcome: chain,
    lost: isLost,
    errorType: chain === 'error' ? errorType : undefined,
    outVconUuid: chain === 'error' ? uuid : (chainSpan?.outVconUuid ?? uuid),
    inferred: inferredNames(
      (!isEndKnown || !isTimed(chainSpan)) && 'time',
      (!isEndKnown || !isTimed(chainSpan)) && 'duration',
      concluded && 'outcome',
      (isLost || !isOutKnown) && 'out_vcon_uuid',
    ),
  };
}
