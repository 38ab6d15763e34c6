import type { Clock } from '../model/clock.ts';
import type { Issues } from '../model/issues.ts';
import type { Assembler } from './assembler.ts';
import type { Decided } from './input.ts';
import type { AssemblyIssue } from './issues.ts';

export interface MakingRoomSettings {
  readonly assembler: Assembler;
  readonly clock: Clock;
  readonly issues: Issues<AssemblyIssue>;
  /** Runs that may be open at once. */
  readonly maxRuns: number;
  /** Whether spans may come of a run that is closed. */
  spansMayCome(): boolean;
  /** Whether nothing can be decided any more, or for the time being. */
  isIdle(): boolean;
  decide(decided: Decided): void;
}

/** Spans and records that may wait, for each run that may. */
const PER_RUN = 20;
/** The part of the runs that is closed each time that there is too little memory. */
const RELIEVED = 1 / 8;
/** Milliseconds of one turn of the event loop that this may take. */
const SLICE = 3;

/** How many runs are not over. */
export function runsOf({ open, processes }: Assembler): number {
  return open.size + processes.runs;
}

/**
 * Decides which run there is no room for: of the kind that fills memory – runs of spans and records, or those that are told inside
 * the server – the one that was heard of longest ago, or began first.
 * @param at milliseconds since the Unix epoch
 * @param spansMayCome of a run that is closed
 */
function eldestRun(
  { open, processes }: Assembler,
  at: number,
  spansMayCome: boolean,
): RunGivenUp | undefined {
  const process = processes.runs + processes.facts > open.facts ? processes.eldest : undefined;
  if (process !== undefined) return { kind: 'evicted', process, at };
  const [run] = open;
  return run && { kind: 'closed', run: run.id, at, spansMayCome };
}

/** As {@link eldestRun}, or a span that belongs to no run, where most is of that kind. */
export function leastNeeded(assembler: Assembler, at: number, spansMayCome: boolean): Decided | undefined {
  const { open, processes, unplaced } = assembler;
  const [first] = unplaced;
  const isOfNone = unplaced.size > Math.max(open.facts, processes.runs + processes.facts);
  if (first && isOfNone) return { kind: 'orphaned', spans: [first.span.spanId] };
  return eldestRun(assembler, at, spansMayCome);
}

type RunGivenUp = Extract<Decided, { kind: 'evicted' | 'closed' }>;

/** Closes runs that were heard of longest ago, or began first, where there are too many, or too little memory for them. */
export class MakingRoom {
  readonly #settings: MakingRoomSettings;
  #isRelieving = false;

  constructor(settings: MakingRoomSettings) {
    this.#settings = settings;
  }

  /** Sees to it that there are not too many. */
  bound(): void {
    const { assembler, maxRuns } = this.#settings;
    while (runsOf(assembler) > maxRuns && this.#makeRoom(eldestRun));
    while (assembler.facts > maxRuns * PER_RUN && this.#makeRoom(leastNeeded));
  }

  /** Makes room in memory, a little at a time. Never rejects. @returns whether anything was let go */
  async relieve(): Promise<boolean> {
    if (this.#isRelieving) return false;
    this.#isRelieving = true;
    const { assembler, clock, isIdle } = this.#settings;
    const size = () => runsOf(assembler) + assembler.unplaced.size;
    const before = size();
    const left = before - Math.ceil(before * RELIEVED);
    let until = clock.elapsed() + SLICE;
    while (size() > left && !isIdle() && this.#makeRoom(leastNeeded)) {
      if (clock.elapsed() < until) continue;
      await new Promise<void>((resolve) => clock.after(0, resolve));
      until = clock.elapsed() + SLICE;
    }
    this.#isRelieving = false;
    return size() < before;
  }

  /** @returns whether there was anything to let go */
  #makeRoom(choose: typeof leastNeeded): boolean {
    const { assembler, clock, issues, decide, spansMayCome } = this.#settings;
    const decision = choose(assembler, clock.now(), spansMayCome());
    if (!decision) return false;
    if (decision.kind !== 'orphaned') issues.add('evicted_run');
    decide(decision);
    return true;
  }
}
