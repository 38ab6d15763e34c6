import type { FeedChange, FeedSnapshot } from '../../page/feed-message.ts';
import type { Counts, Pulse } from '../../page/live/chain-pulse.ts';
import type { RunRow } from '../../page/live/run-row.ts';
import type { TracerRow } from '../../page/live/tracer-rows.ts';
import type { FeedNews } from './source.ts';

/** A chain, with all that is known of its last minutes. */
export interface LiveChain extends Omit<Pulse, 'ended'> {
  /** Oldest first; the last step is under way. */
  readonly past: readonly Counts[];
  /** Of all these steps. */
  readonly total: Counts;
}

/** Runs that have ended and are kept. */
const MAX_ENDED = 100;
const NONE: Counts = [0, 0, 0, 0];

/** What chains and tracers do, as the news have told. */
export class LiveState {
  /** Why nothing is heard at the moment; undefined while something is. */
  away: string | undefined = 'connecting';
  service = '';
  running = 0;
  stalled = 0;
  tracers: readonly TracerRow[] = [];
  troubles: readonly string[] = [];
  chains: readonly LiveChain[] = [];
  /** Milliseconds that {@link LiveChain.past} goes back. */
  lookback = 0;
  /** Under way, oldest first. */
  readonly open = new Map<string, RunRow>();
  /** Newest first. */
  ended: readonly RunRow[] = [];
  #step = 1;
  #steps = 0;
  #past = new Map<string, Map<number, Counts>>();
  #ahead = 0;

  /** The time of whoever tells the news. */
  now(): number {
    return Date.now() + this.#ahead;
  }

  hear(news: FeedNews): void {
    if (news.is === 'away') {
      this.away = news.why;
      return;
    }
    this.away = undefined;
    // The least that was seen has the least delay in it.
    const ahead = news.data.now - Date.now();
    this.#ahead = news.is === 'snapshot' ? ahead : Math.max(this.#ahead, ahead);
    if (news.is === 'snapshot') this.#begin(news.data);
    this.#take(news.data);
  }

  #begin({ service, step, steps }: FeedSnapshot): void {
    this.service = service;
    this.#step = step;
    this.#steps = steps;
    this.lookback = step * steps;
    this.#past.clear();
    this.open.clear();
    this.ended = [];
  }

  #take(change: FeedSnapshot | FeedChange): void {
    if ('gone' in change) for (const id of change.gone) this.open.delete(id);
    const over: RunRow[] = [];
    for (const run of change.runs) {
      if (run.duration === null && run.outcome === null) this.open.set(run.id, run);
      else {
        this.open.delete(run.id);
        over.unshift(run);
      }
    }
    if (over.length > 0) this.ended = [...over, ...this.ended].slice(0, MAX_ENDED);
    this.running = change.running ?? this.running;
    this.stalled = change.stalled ?? this.stalled;
    this.tracers = change.tracers ?? this.tracers;
    this.troubles = change.troubles ?? this.troubles;
    if (change.chains) this.chains = change.chains.map((pulse) => this.#chain(pulse, change.now));
  }

  /** The last steps take the place of what was known of them. */
  #chain({ ended, ...pulse }: Pulse, now: number): LiveChain {
    const known = this.#past.get(pulse.chain) ?? new Map<number, Counts>();
    this.#past.set(pulse.chain, known);
    const last = Math.floor(now / this.#step);
    for (const [index, counts] of ended.entries()) known.set(last - ended.length + 1 + index, counts);
    for (const step of known.keys()) if (step <= last - this.#steps) known.delete(step);
    const past = Array.from(
      { length: this.#steps },
      (_, at) => known.get(last - this.#steps + 1 + at) ?? NONE,
    );
    const sum = (at: number) => past.reduce((all, counts) => all + (counts[at] ?? 0), 0);
    return { ...pulse, past, total: [sum(0), sum(1), sum(2), sum(3)] };
  }
}
