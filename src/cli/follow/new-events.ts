import { chainEvent } from '../../model/chain-event.ts';
import type { ChainEvent } from '../../model/event.ts';
import type { GrowingStep } from '../../model/growing-run.ts';
import type { FollowedRun } from './run-of-view.ts';

/** What has happened in a run since it was as it was before, in the order in which it did. @param before undefined: it is new */
export function newEvents(before: FollowedRun | undefined, run: FollowedRun): ChainEvent[] {
  const events: ChainEvent[] = before ? [] : [chainEvent(begun(run))];
  for (const [at, step] of run.steps.entries()) {
    const known = before?.steps[at];
    if (!known) events.push(chainEvent(run, begun(step)));
    if (step.phase !== 'start' && (known?.phase ?? 'start') === 'start') events.push(chainEvent(run, step));
  }
  if (run.phase !== 'start' && (before?.phase ?? 'start') === 'start') events.push(chainEvent(run));
  return events.sort((a, b) => a.time - b.time);
}

/** As it was when it began. */
function begun<Subject extends FollowedRun | GrowingStep>(subject: Subject) {
  const { inVconUuid } = subject;
  const open = { phase: 'start' as const, outVconUuid: inVconUuid, end: undefined, duration: undefined };
  return { ...subject, ...open, outcome: undefined, errorType: undefined };
}
