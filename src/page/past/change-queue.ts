import type { Choice, Chosen, JournalAdmin, ReplayAim, ReplayPlan } from '../../journal/admin.ts';
import { VconOtelError } from '../../model/error.ts';

/** What can be done with what a tracer has to hear, as by `queue` and `replay`, and what becomes of it. */
export interface QueueChanges {
  retry: { readonly ask: ChosenEvents; readonly answer: Chosen };
  skip: { readonly ask: ChosenEvents; readonly answer: Chosen };
  /** How much a replay would be. */
  plan: { readonly ask: ReplayAim; readonly answer: ReplayPlan };
  replay: { readonly ask: ReplayAim; readonly answer: { readonly queued: number; readonly left: number } };
}

/** Dead letters of a tracer: all, where no ids are given. */
export interface ChosenEvents {
  readonly tracer: string;
  readonly events?: readonly string[] | undefined;
}

/** Does it in a journal. */
export type ChangeQueue = {
  readonly [Q in keyof QueueChanges]: (
    journal: JournalAdmin,
    ask: QueueChanges[Q]['ask'],
  ) => Promise<QueueChanges[Q]['answer']>;
};

export const changeQueue: ChangeQueue = {
  retry: (journal, chosen) => journal.retry(chosen.tracer, choiceOf(chosen)),
  skip: (journal, chosen) => journal.skip(chosen.tracer, choiceOf(chosen)),
  plan: (journal, aim) => planOf(journal, aim),
  async replay(journal, aim) {
    const { events } = await planOf(journal, aim);
    const replay = await journal.replay(aim);
    const end = performance.now() + LONGEST;
    let queued = 0;
    for await (const soFar of replay.queue()) {
      queued = soFar;
      // Whoever waits for the answer is told of all that was done.
      if (performance.now() > end) break;
    }
    return { queued, left: Math.max(0, events - queued) };
  },
};

/** Milliseconds for which events are queued: less than reading may take. */
const LONGEST = 60_000;

function choiceOf({ events }: ChosenEvents): Choice {
  return events ? { of: 'ids', ids: events } : { of: 'dead' };
}

/** @throws VconOtelError `OPTIONS_INVALID` for a tracer that would get a place by it */
async function planOf(journal: JournalAdmin, aim: ReplayAim): Promise<ReplayPlan> {
  const plan = await journal.planReplay(aim);
  if (plan.isNew) throw new VconOtelError('OPTIONS_INVALID', `the journal knows no tracer ${aim.tracer}`);
  return plan;
}
