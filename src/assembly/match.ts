import type { ClosedRuns } from './closed-runs.ts';
import type { ConfiguredChains } from './configured-chains.ts';
import type { RunFacts } from './facts.ts';
import { type HeardRun, type OpenRun, withoutIds } from './open-run.ts';
import type { OpenRuns } from './open-runs.ts';
import type { UnplacedSpans } from './unplaced-spans.ts';

/** What is looked at to find out whose a fact is. Whoever looks changes nothing. */
export interface Runs {
  readonly open: OpenRuns;
  readonly closed: ClosedRuns;
  readonly unplaced: UnplacedSpans;
  readonly chains: ConfiguredChains;
}

/** What a look has found out beside its answer. */
export interface Findings {
  /** Runs known by records only, whose ids are another run's. */
  readonly misled: ReadonlySet<OpenRun>;
}

/** A run as it is for what a look has found out so far. */
export function asFound(run: OpenRun, { misled }: Findings): HeardRun {
  return misled.has(run) ? withoutIds(run) : run;
}

/** Notes that the ids of a run are another's, unless that is known. */
export function mislead(run: OpenRun, misled: Set<OpenRun>): void {
  if (!run.isMisled || run.rootSpanId !== undefined || run.chain !== undefined) misled.add(run);
}

/** Whether a span is that of a chain: where a link's should be current, it is a failed run's. */
export function isChainSpan(spanId: string, { open, closed }: Runs, { misled } = NOTHING_FOUND): boolean {
  const run = open.of(spanId);
  return (run !== undefined && !misled.has(run)) || closed.of(spanId) !== undefined;
}

/** Whether what a run's records say is the span of a link is that of a chain: then none of their ids are its own. */
export function isMisled({ records }: RunFacts, runs: Runs, findings: Findings): boolean {
  for (const { spanId } of records.values())
    if (spanId !== undefined && isChainSpan(spanId, runs, findings)) return true;
  return false;
}

const NOTHING_FOUND: Findings = { misled: new Set() };
