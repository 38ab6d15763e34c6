import { errorType } from '../model/error.ts';
import type { EventSink } from '../model/event-sink.ts';
import type { Issues } from '../model/issues.ts';
import type { RunObserver } from '../model/run.ts';
import type { AssemblyIssue } from './issues.ts';
import type { Outcome, RunNews } from './outcome.ts';

/** Who gets what has come of an input. */
export interface Listeners {
  readonly events: EventSink;
  readonly observers: readonly RunObserver[];
  readonly issues: Issues<AssemblyIssue>;
}

/** Hands on what has come of an input. */
export function handOn({ events, runs, issues }: Outcome, listeners: Listeners): void {
  for (const event of events) listeners.events.accept(event);
  for (const news of runs) {
    if (news.news === 'abandoned') listeners.events.abandon(news.run.runId);
    show(news, listeners);
  }
  for (const { kind, detail, count } of issues) listeners.issues.add(kind, detail, count);
}

/** Shows observers what is new of a run. */
export function show({ news, run }: RunNews, { observers, issues }: Listeners): void {
  for (const observer of observers)
    try {
      if (news === 'ended') for (const step of run.steps) observer.stepEnded(run, step);
      observer[news](run);
    } catch (error) {
      issues.add('internal_error', errorType(error));
    }
}
