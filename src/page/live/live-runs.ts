import type { Clock } from '../../model/clock.ts';
import type { Run, RunObserver } from '../../model/run.ts';
import { ChainPulse, type Pulse } from './chain-pulse.ts';
import { progressOf, type RunRow, runRow } from './run-row.ts';

/** What is new of runs since it was asked for last. */
export interface RunChanges {
  /** Runs under way that have begun or gone on, and those that have ended. */
  readonly runs: readonly RunRow[];
  /** Runs that are under way no more, of which nothing else is said. */
  readonly gone: readonly string[];
}

/** Runs under way that are shown, oldest first; of more only their number is. */
const MAX_SHOWN = 2_000;
/** Runs that have ended and are kept in memory. */
const KEPT = 500;
/** Of these, how many a list shows at first, and how many are told at once. */
const RECENT = 50;
const AT_ONCE = 10;
/** Chains that are counted under their own names. */
const MAX_CHAINS = 500;
const OTHERS = '(other chains)';

/**
 * Knows the runs that are under way, and what has become of the last ones. It observes runs as they grow, and looks at them only
 * when somebody wants to see what is new: a run costs it an entry and some additions.
 */
export class LiveRuns implements RunObserver {
  readonly #clock: Pick<Clock, 'now'>;
  /** With what was told of each; -1 for nothing. */
  readonly #open = new Map<string, { readonly run: Run; told: number }>();
  readonly #chains = new Map<string, ChainPulse>();
  /** The newest is the last. */
  #ended: Run[] = [];
  /** Since it was asked for what is new. */
  #news: { ended: Run[]; gone: string[] } | undefined;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** Runs under way. */
  get count(): number {
    return this.#open.size;
  }

  began(run: Run): void {
    this.#open.set(run.runId, { run, told: -1 });
    this.#chain(run.chain).running += 1;
  }

  stepEnded(): void {}

  ended(run: Run): void {
    this.#close(run).ended(run, this.#clock.now());
    this.#ended.push(run);
    if (this.#ended.length >= 2 * KEPT) this.#ended = this.#ended.slice(-KEPT);
    this.#news?.ended.push(run);
  }

  abandoned(run: Run): void {
    this.#close(run);
    this.#news?.gone.push(run.runId);
  }

  /** A run that is under way, or was not long ago. */
  find(runId: string): Run | undefined {
    return this.#open.get(runId)?.run ?? this.#ended.findLast((run) => run.runId === runId);
  }

  /** Those that a vCon entered or left, newest first. */
  ofVcon(uuid: string): Run[] {
    const all = [...this.#ended, ...[...this.#open.values()].map(({ run }) => run)];
    return all.filter(({ inVconUuid, outVconUuid }) => inVconUuid === uuid || outVconUuid === uuid).reverse();
  }

  /** What a list shows at first: the runs under way, and then the last that have ended. */
  rows(): RunRow[] {
    const open = [...this.#shown()].map(({ run }) => runRow(run));
    return [...open, ...this.#ended.slice(-RECENT).map(runRow)];
  }

  /** @param steps how far to look back */
  pulses(steps?: number): Pulse[] {
    const now = this.#clock.now();
    return [...this.#chains.values()].map((chain) => chain.look(now, steps));
  }

  /** Begins to note what is new, or goes on from here. */
  watch(): void {
    this.#news = { ended: [], gone: [] };
    for (const entry of this.#shown()) entry.told = progressOf(entry.run);
  }

  /** Notes nothing any more. */
  unwatch(): void {
    this.#news = undefined;
  }

  /** What is new since the last time, or since {@link watch}. */
  changes(): RunChanges {
    const { ended = [], gone = [] } = this.#news ?? {};
    if (this.#news) this.#news = { ended: [], gone: [] };
    const grown: Run[] = [];
    for (const entry of this.#shown()) {
      const progress = progressOf(entry.run);
      if (progress === entry.told) continue;
      entry.told = progress;
      grown.push(entry.run);
    }
    const untold = ended.slice(0, -AT_ONCE).map(({ runId }) => runId);
    return { runs: [...grown, ...ended.slice(-AT_ONCE)].map(runRow), gone: [...gone, ...untold] };
  }

  *#shown(): Generator<{ readonly run: Run; told: number }, void> {
    let left = MAX_SHOWN;
    for (const entry of this.#open.values()) {
      if (left === 0) return;
      left -= 1;
      yield entry;
    }
  }

  #close({ runId, chain }: Run): ChainPulse {
    const pulse = this.#chain(chain);
    if (this.#open.delete(runId) && pulse.running > 0) pulse.running -= 1;
    return pulse;
  }

  #chain(name: string): ChainPulse {
    const known = this.#chains.get(name);
    if (known) return known;
    if (this.#chains.size >= MAX_CHAINS && name !== OTHERS) return this.#chain(OTHERS);
    const made = new ChainPulse(name);
    this.#chains.set(name, made);
    return made;
  }
}
