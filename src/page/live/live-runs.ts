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

/** Is told of each run when it begins, and when it is under way no more. */
export interface RunListener {
  /** @param isGone it has not ended, but is followed no more */
  heard(run: Run, isGone: boolean): void;
}

/** A run under way, and what was told of it. */
interface OpenRun {
  readonly run: Run;
  readonly pulse: ChainPulse;
  /** -1: nothing. */
  told: number;
  toldStalled: boolean;
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
  readonly listeners = new Set<RunListener>();
  readonly #clock: Pick<Clock, 'now'>;
  readonly #open = new Map<string, OpenRun>();
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

  /** Runs under way that take longer than is usual for their chains. */
  get stalled(): number {
    const now = this.#clock.now();
    let count = 0;
    for (const { run, pulse } of this.#open.values()) if (pulse.isStalled(run, now)) count += 1;
    return count;
  }

  began(run: Run): void {
    const pulse = this.#chain(run.chain);
    this.#open.set(run.runId, { run, pulse, told: -1, toldStalled: false });
    pulse.running += 1;
    this.#tell(run, false);
  }

  stepEnded(): void {}

  ended(run: Run): void {
    this.#close(run).ended(run, this.#clock.now());
    this.#ended.push(run);
    if (this.#ended.length >= 2 * KEPT) this.#ended = this.#ended.slice(-KEPT);
    this.#news?.ended.push(run);
    this.#tell(run, false);
  }

  abandoned(run: Run): void {
    this.#close(run);
    this.#news?.gone.push(run.runId);
    this.#tell(run, true);
  }

  /** A run that is under way, or was not long ago. */
  find(runId: string): Run | undefined {
    return this.#open.get(runId)?.run ?? this.#ended.findLast((run) => run.runId === runId);
  }

  /** Those that a vCon entered or left, newest first. */
  ofVcon(uuid: string): Run[] {
    return this.newest(({ inVconUuid, outVconUuid }) => inVconUuid === uuid || outVconUuid === uuid);
  }

  /** Those that are meant, newest first: of what has ended, the last. */
  newest(isMeant: (run: Run) => boolean): Run[] {
    const all = [...this.#ended, ...[...this.#open.values()].map(({ run }) => run)];
    return all.filter(isMeant).reverse();
  }

  /** What a list shows at first: the runs under way, and then the last that have ended. */
  rows(): RunRow[] {
    const now = this.#clock.now();
    const open = [...this.#shown()].map(({ run, pulse }) => runRow(run, pulse.isStalled(run, now)));
    return [...open, ...this.#ended.slice(-RECENT).map((run) => runRow(run))];
  }

  /** Tells what runs of before took, so that it is known what is usual. @param durations by chain, in seconds */
  learn(durations: Readonly<Record<string, readonly number[]>>): void {
    for (const [chain, taken] of Object.entries(durations)) this.#chain(chain).learn(taken);
  }

  /** @param steps how far to look back */
  pulses(steps?: number): Pulse[] {
    const now = this.#clock.now();
    return [...this.#chains.values()].map((chain) => chain.look(now, steps));
  }

  /** Begins to note what is new, or goes on from here. */
  watch(): void {
    this.#news = { ended: [], gone: [] };
    const now = this.#clock.now();
    for (const entry of this.#shown()) {
      entry.told = progressOf(entry.run);
      entry.toldStalled = entry.pulse.isStalled(entry.run, now);
    }
  }

  /** Notes nothing any more. */
  unwatch(): void {
    this.#news = undefined;
  }

  /** What is new since the last time, or since {@link watch}. */
  changes(): RunChanges {
    const { ended = [], gone = [] } = this.#news ?? {};
    if (this.#news) this.#news = { ended: [], gone: [] };
    const now = this.#clock.now();
    const grown: RunRow[] = [];
    for (const entry of this.#shown()) {
      const [progress, stalled] = [progressOf(entry.run), entry.pulse.isStalled(entry.run, now)];
      if (progress === entry.told && stalled === entry.toldStalled) continue;
      entry.told = progress;
      entry.toldStalled = stalled;
      grown.push(runRow(entry.run, stalled));
    }
    const untold = ended.slice(0, -AT_ONCE).map(({ runId }) => runId);
    const over = ended.slice(-AT_ONCE).map((run) => runRow(run));
    return { runs: [...grown, ...over], gone: [...gone, ...untold] };
  }

  *#shown(): Generator<OpenRun, void> {
    let left = MAX_SHOWN;
    for (const entry of this.#open.values()) {
      if (left === 0) return;
      left -= 1;
      yield entry;
    }
  }

  #tell(run: Run, isGone: boolean): void {
    for (const listener of this.listeners) listener.heard(run, isGone);
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
