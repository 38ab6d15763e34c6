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

/** Closes runs that were heard of longest ago, or began first, where there are too many, or too little memory for them. */
export class MakingRoom {
  readonly #settings: MakingRoomSettings;
  #isRelieving = false;

  constructor(settings: MakingRoomSettings) {
    this.#settings = settings;
  }

  /** Sees to it that there are not too many. */
  bound(): void {
    const { assembler, maxRuns, decide } = this.#settings;
    const { unplaced } = assembler;
    const isCrowded = () => assembler.facts > maxRuns * PER_RUN;
    while (runsOf(assembler) > maxRuns || (isCrowded() && runsOf(assembler) > 0)) this.#evict();
    while (isCrowded()) {
      const [first] = unplaced;
      if (!first) break;
      decide({ kind: 'orphaned', spans: [first.span.spanId] });
    }
  }

  /** Makes room in memory, a little at a time. Never rejects. */
  async relieve(): Promise<void> {
    if (this.#isRelieving) return;
    this.#isRelieving = true;
    const { assembler, clock, isIdle } = this.#settings;
    const left = runsOf(assembler) - Math.ceil(runsOf(assembler) * RELIEVED);
    let until = clock.elapsed() + SLICE;
    while (runsOf(assembler) > left && !isIdle()) {
      this.#evict();
      if (clock.elapsed() < until) continue;
      await new Promise<void>((resolve) => clock.after(0, resolve));
      until = clock.elapsed() + SLICE;
    }
    this.#isRelieving = false;
  }

  #evict(): void {
    const { assembler, clock, issues, decide, spansMayCome } = this.#settings;
    const { open, processes } = assembler;
    const at = clock.now();
    issues.add('evicted_run');
    // Who fills the memory makes room in it: runs of spans and records, or those that are told inside the server.
    const isOfServer = processes.runs + processes.facts > open.facts;
    const process = isOfServer ? processes.eldest : undefined;
    const [run] = open;
    if (process !== undefined) decide({ kind: 'evicted', process, at });
    else if (run) decide({ kind: 'closed', run: run.id, at, spansMayCome: spansMayCome() });
  }
}
