import type { ChainEvent } from '../../model/event.ts';
import type { VconNews } from '../../page/feed-message.ts';
import { newEvents } from './new-events.ts';
import { type FollowedRun, runOfView } from './run-of-view.ts';

/** A run of which something is new. */
export interface FollowedChange {
  readonly run: FollowedRun;
  readonly events: readonly ChainEvent[];
}

/** Runs of a vCon, as the news have told. */
export class FollowedRuns {
  readonly #vcon: string;
  readonly #runs = new Map<string, FollowedRun>();
  #ahead = 0;

  constructor(vcon: string) {
    this.#vcon = vcon;
  }

  /** The time of whoever tells the news. */
  now(): number {
    return Date.now() + this.#ahead;
  }

  /** Under way. */
  get open(): FollowedRun[] {
    return [...this.#runs.values()].filter(({ phase }) => phase === 'start');
  }

  /** The one that has ended last, where none is under way. */
  get last(): FollowedRun | undefined {
    if (this.open.length > 0) return undefined;
    const endOf = ({ start, end }: FollowedRun) => end ?? start;
    return [...this.#runs.values()].sort((a, b) => endOf(a) - endOf(b)).at(-1);
  }

  /** What is told again is not new. */
  hear({ now, runs }: VconNews): FollowedChange[] {
    this.#ahead = now - Date.now();
    return runs.flatMap((view) => {
      const run = runOfView(view, this.#vcon);
      const events = newEvents(this.#runs.get(run.runId), run);
      this.#runs.set(run.runId, run);
      return events.length > 0 ? [{ run, events }] : [];
    });
  }
}
