import type { LinkOutcome } from '../../model/event.ts';
import type { RunOutcome } from '../ending.ts';
import { handsOn, type OpenLink } from './run-links.ts';

/** What is known of a run that ended without error. */
export interface EndedRun {
  readonly links: readonly string[];
  readonly storages: readonly string[];
  readonly egressLists: readonly string[];
  /** The links that began. */
  readonly linksBegun: number;
  /** The last link, where it is not known yet how it ended. */
  readonly open: OpenLink | undefined;
  /** How the last link ended, where that is known. */
  readonly lastOutcome: LinkOutcome | undefined;
  readonly hasStored: boolean;
  readonly hasEgress: boolean;
  /** Whether storages, and egress lists, would have been heard. */
  readonly hearsStorages: boolean;
  readonly hearsEgress: boolean;
  /** Facts of it may be lost, or its configuration is not known. */
  readonly isGapped: boolean;
  readonly isConcluded: boolean;
}

/** How it ended, and its last link; `concluded`: nobody can know. */
type Ended = Omit<RunOutcome, 'isLost'>;

const COMPLETE: Ended = { chain: 'complete', link: 'success', concluded: false };
const HALTED: Ended = { chain: 'halted', link: 'halt', concluded: false };
/** Without error, and in which of the two ways nobody can know. */
const UNKNOWN: Ended = { chain: 'unknown', link: 'unknown', concluded: true };

/** Whether a run that ended without error completed or was halted: the rows `halt` and `complete` of FACTS §4. */
export function outcomeOfEnded(run: EndedRun): Ended {
  const { links, open, lastOutcome, linksBegun } = run;
  if (lastOutcome === 'halt' || open?.returned === false) return HALTED;
  if (run.hasStored || run.hasEgress) return COMPLETE;
  if (!run.isConcluded && links.length === 0) return COMPLETE;
  const isLast = linksBegun === links.length;
  if (isLast && ((open && handsOn(open)) || lastOutcome === 'success')) return COMPLETE;
  if (run.isGapped) return UNKNOWN;
  if (linksBegun < links.length) return HALTED;
  if (run.isConcluded) return UNKNOWN;
  if (run.storages.length > 0 && run.hearsStorages) return HALTED;
  if (run.egressLists.length > 0 && run.hearsEgress) return HALTED;
  return UNKNOWN;
}
