import type { OpenRun } from './open-run.ts';
import { type ChainPlan, failedLink, lastLink, linksOf } from './story.ts';

/** What is known beside the run itself. */
export interface Circumstances {
  readonly plan: ChainPlan | undefined;
  /** Whether spans of a run that only records told of can still be expected. */
  readonly spansMayCome: boolean;
}

/**
 * Whether everything that is to be expected of a run has come, so that only a latecomer is waited for (CONSERVER §6,
 * closing a run): its chain span or a link that failed, without a gap before; or, where nobody records spans, the record of
 * its last link.
 */
export function seemsOver(run: OpenRun, { plan, spansMayCome }: Circumstances): boolean {
  if (!run.isGapless) return false;
  if (run.chainSpan || failedLink(run)) return true;
  if (run.spans > 0 || spansMayCome) return false;
  return lastLink(run) === linksOf(run, plan).links.length - 1;
}
