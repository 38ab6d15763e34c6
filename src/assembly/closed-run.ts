import type { GrowingRun } from '../model/growing-run.ts';
import type { Run } from '../model/run.ts';
import { failedLink, firstTime, uuidsOf } from './facts.ts';
import type { OpenRun } from './open-run.ts';
import { toMillis } from './times.ts';

/** A run that is over: what is needed to know what comes too late. */
export interface ClosedRun {
  /** What it went by, and its chain span's id, as far as that is certain. */
  readonly id: string;
  readonly rootSpanId?: string | undefined;
  readonly chain: string;
  readonly uuids: readonly string[];
  /** When it happened, milliseconds since the Unix epoch. */
  readonly from: number;
  readonly to: number;
  /** A link had failed, and its chain span had not come. */
  readonly isHeadless: boolean;
  /** It was heard from inside the server: its spans say nothing new. */
  readonly isFromInside: boolean;
  /** When it was closed, milliseconds since the Unix epoch. */
  readonly at: number;
}

/** What is remembered of a run of spans and records. @param at when it was closed, milliseconds since the Unix epoch */
export function closedRun({ id, rootSpanId, chain, facts }: OpenRun, emitted: Run, at: number): ClosedRun {
  const from = toMillis(facts.chainSpan?.start ?? firstTime(facts));
  return {
    id,
    rootSpanId,
    chain: chain ?? emitted.chain,
    uuids: [...uuidsOf(facts)],
    from,
    to: emitted.end ?? from,
    isHeadless: !facts.chainSpan && failedLink(facts) !== undefined,
    isFromInside: false,
    at,
  };
}

/** What is remembered of a run that was heard from inside the server. */
export function closedFromInside(run: GrowingRun): ClosedRun {
  const { runId: id, chain, start, end = start, steps } = run;
  const uuids = [run.inVconUuid, run.outVconUuid, ...steps.map(({ outVconUuid }) => outVconUuid)];
  return {
    ...{ id, rootSpanId: id, chain, from: start, to: end, at: end },
    ...{ uuids: [...new Set(uuids)], isHeadless: false, isFromInside: true },
  };
}
