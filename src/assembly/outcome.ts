import type { ChainEvent } from '../model/event.ts';
import type { RecordReceipt } from '../model/fact-sink.ts';
import type { Run } from '../model/run.ts';
import type { AssemblyIssue } from './issues.ts';
import type { OpenRun } from './open-run.ts';

/** What has come of an input, in order. */
export interface Outcome {
  readonly events: ChainEvent[];
  readonly runs: RunNews[];
  readonly issues: { readonly kind: AssemblyIssue; readonly detail?: string; readonly count?: number }[];
}

/** What is new of a run. `ended`: final, with all that was found out about it; `abandoned`: its events do not reach its end. */
export type RunNews = { readonly news: 'began' | 'ended' | 'abandoned'; readonly run: Run };

/** What became of a record, and the run that it is of. */
export interface RecordOutcome {
  readonly outcome: RecordReceipt['outcome'];
  readonly run: OpenRun | undefined;
}

/** Nothing so far. */
export function noOutcome(): Outcome {
  return { events: [], runs: [], issues: [] };
}
