import type { Clock } from '../model/clock.ts';
import type { LiveRuns } from './live/live-runs.ts';
import type { Past } from './past/past.ts';

/** What is usual for chains, from before this start as well: read once, when somebody first looks. */
export class UsualDurations {
  readonly #runs: LiveRuns;
  readonly #past: Past;
  /** Runs that have begun since are known without the journal. */
  readonly #until: number;
  #isLearnt = false;

  constructor(runs: LiveRuns, past: Past, { now }: Pick<Clock, 'now'>) {
    this.#runs = runs;
    this.#past = past;
    this.#until = now();
  }

  /** Begins to read what the journal keeps of it. */
  learn(): void {
    if (this.#isLearnt || !this.#past.isKept) return;
    this.#isLearnt = true;
    void this.#past.ask('durations', { until: this.#until }).then(
      (durations) => this.#runs.learn(durations),
      // Then it is known as soon as enough runs have ended.
      () => undefined,
    );
  }
}
