import type { ChainEvent } from '../../model/event.ts';
import type { GrowingRun } from '../../model/growing-run.ts';
import type { FactOrigin, ServerFactOf as Of, ServerFact, ServerSpan } from '../../model/server-fact.ts';
import { OpenServerRuns } from './open-server-runs.ts';
import { type Hearing, knownStart, type ToldStart } from './run-start.ts';
import type { LentRun, RestingRun } from './run-state.ts';
import { ServerRun } from './server-run.ts';

/** What became certain of a run by one fact. */
export interface Certain {
  readonly run: GrowingRun;
  readonly events: readonly ChainEvent[];
  /** These are its first events. */
  readonly isNew: boolean;
  readonly isOver: boolean;
}

/** What came of a fact. */
export interface FactResult {
  readonly certain: readonly Certain[];
  /** It belongs to no run that is known, or to one that began at another adapter. */
  readonly notOurs?: 'unplaced' | 'elsewhere' | undefined;
}

/** The runs of a process, as they are written down. */
export interface KeptServerRuns {
  readonly hearing: Hearing;
  readonly open: readonly (LentRun | RestingRun)[];
  readonly skipping: readonly string[];
  readonly gaps: readonly string[];
  /** Runs of lower numbers that are not open began at another adapter. */
  readonly oursFrom?: number | undefined;
  /** Runs of lower numbers that are not open are over: their process was taken to be gone. */
  readonly lostBefore?: number | undefined;
}

/** Until a process has said how well it is heard. */
const UNSURE: Hearing = { spans: true, exportsSpans: true, extras: false, afterLink: true, hashes: false };

/**
 * The runs of one process inside the server, told by its facts in their order. A run is its thread's from its start to its
 * end (FACTS §3); spans are found by their ids, because the garbage collector ends them on any thread.
 */
export class ServerRuns {
  #hearing: Hearing;
  readonly #open: OpenServerRuns;
  #facts: number;
  /** Threads whose vCon is skipped: its end is none of a run. */
  readonly #skipping: Set<string>;
  /** Threads of which facts are lost since their last run began. */
  readonly #gaps: Set<string>;
  #oursFrom: number | undefined;
  #lostBefore: number | undefined;

  constructor(kept: KeptServerRuns = { hearing: UNSURE, open: [], skipping: [], gaps: [] }) {
    this.#hearing = kept.hearing;
    this.#skipping = new Set(kept.skipping);
    this.#gaps = new Set(kept.gaps);
    this.#oursFrom = kept.oursFrom;
    this.#lostBefore = kept.lostBefore;
    this.#open = new OpenServerRuns(kept.open);
    this.#facts = this.#open.facts;
  }

  get kept(): KeptServerRuns {
    const open = this.#open.kept;
    const [skipping, gaps] = [[...this.#skipping], [...this.#gaps]];
    const [oursFrom, lostBefore] = [this.#oursFrom, this.#lostBefore];
    return { hearing: this.#hearing, open, skipping, gaps, oursFrom, lostBefore };
  }

  /** Those that are not over. */
  get open(): OpenServerRuns {
    return this.#open;
  }

  /** How many are not over. */
  get size(): number {
    return this.#open.size;
  }

  /** Facts of those that are not over. */
  get facts(): number {
    return this.#facts;
  }

  /** The open run that a fact is of. */
  runOf(fact: ServerFact): ServerRun | undefined {
    const own = this.#open.on(fact.thread);
    // The module has looked it up at the moment itself, when threads and objects could still be seen.
    const isNamed = fact.run !== undefined && fact.kind !== 'span_end';
    const named = isNamed && own?.number !== fact.run && this.#open.numbered(fact.run);
    return named || this.#search(fact, own);
  }

  /** Takes the next fact. */
  take(fact: ServerFact): FactResult {
    switch (fact.kind) {
      case 'attach': {
        const { spans, exportsSpans, extras, afterLink } = fact;
        this.#hearing = { ...this.#hearing, spans, exportsSpans, extras, afterLink };
        return NOTHING;
      }
      case 'other':
        return NOTHING;
      case 'detach':
        return placed(this.lose(Number(fact.time / 1_000_000n)));
      case 'alive':
        return placed(this.#endedUnheard(fact));
      case 'gap':
        this.#gaps.add(fact.thread);
        this.#tell(this.#open.on(fact.thread), fact);
        // A storage is written on a thread of its own.
        this.#tell(
          this.#open.find((run) => run.number === fact.run && run.thread !== fact.thread),
          fact,
        );
        return NOTHING;
      case 'run_start':
        return this.#start(fact);
      default:
        return this.#takeOfRun(fact);
    }
  }

  /** Facts of any thread are lost before this one. */
  miss(before: ServerFact): void {
    for (const run of this.#open) {
      const { thread } = run;
      this.#gaps.add(thread);
      this.#tell(run, { ...originOf(before), thread, run: undefined, kind: 'gap' });
    }
    this.#gaps.add(before.thread);
  }

  /** Everything before this fact was told to another adapter. */
  goOnAt(fact: ServerFact): void {
    this.miss(fact);
    this.#oursFrom = fact.seq;
  }

  /**
   * The process is gone.
   * @param time when that was found out, milliseconds since the Unix epoch
   * @param next the number of its next fact, if it should turn out to live: of what began before, all is said
   */
  lose(time: number, next?: number): Certain[] {
    this.#lostBefore = next ?? this.#lostBefore;
    return [...this.#open].flatMap((run) => this.#lose(run, time));
  }

  /** There is no room for the run that began first: what its thread tells until the next is of none. @param time see `lose` */
  evict(time: number): Certain[] {
    const { eldest } = this.#open;
    if (eldest) this.#skipping.add(eldest.thread);
    return eldest ? this.#lose(eldest, time) : [];
  }

  #start(fact: Of<'run_start'>): FactResult {
    const { thread, time } = fact;
    // A thread has one run at a time: the end of the one before is lost.
    const before = this.#open.on(thread);
    const lost = before ? this.#lose(before, Number(time / 1_000_000n)) : [];
    this.#skipping.delete(thread);
    this.#gaps.delete(thread);
    if (!fact.proceed && fact.error === undefined) this.#skipping.add(thread);
    else if (fact.vconUuid === undefined) return { certain: lost, notOurs: 'unplaced' };
    else this.#open.add(new ServerRun(fact as ToldStart, this.#hearing));
    return placed(lost);
  }

  #takeOfRun(fact: ServerFact): FactResult {
    const isHash = fact.kind === 'tracer' && fact.vconSha256 !== undefined;
    if (isHash && !this.#hearing.hashes) this.#hearing = { ...this.#hearing, hashes: true };
    const lost = this.#endedBefore(fact);
    const run = this.runOf(fact) ?? this.#begunUnheard(fact);
    if (!run) {
      // The span of a failed chain ends at any time; its run is over by then.
      const isLeftOver = fact.kind === 'span_end' && fact.stage === 'chain';
      const isSkipped = fact.kind === 'run_end' && this.#skipping.delete(fact.thread);
      if (isLeftOver || isSkipped) return placed(lost);
      return { certain: lost, notOurs: this.#beganElsewhere(fact) ? 'elsewhere' : 'unplaced' };
    }
    const isNew = run.run === undefined;
    const events = this.#tell(run, fact);
    const isOver = fact.kind === 'run_end';
    if (isOver) this.#remove(run);
    return placed([...lost, ...certain(run, isNew, events, isOver)]);
  }

  /** The run of a thread is over where a fact names a later one: its end, and the start of that, are lost. */
  #endedBefore({ kind, thread, run: number, time }: ServerFact): Certain[] {
    const before = this.#open.on(thread);
    if (number === undefined || kind === 'span_end' || !before) return [];
    // One whose start was not heard has no number, and all that is of it has none.
    if (before.number !== undefined && before.number >= number) return [];
    return this.#lose(before, Number(time / 1_000_000n));
  }

  #tell(run: ServerRun | undefined, fact: ServerFact): ChainEvent[] {
    if (run) this.#facts += 1;
    return run?.take(fact) ?? [];
  }

  /** Nothing more is to be expected of a run. */
  #lose(run: ServerRun, time: number): Certain[] {
    this.#remove(run);
    return certain(run, run.run === undefined, run.lose(time), true);
  }

  #remove(run: ServerRun): void {
    this.#open.remove(run);
    this.#facts -= run.size;
  }

  #beganElsewhere({ run: number }: ServerFact): boolean {
    return this.#oursFrom !== undefined && (number ?? 0) < this.#oursFrom;
  }

  #isLost({ run: number }: ServerFact): boolean {
    return this.#lostBefore !== undefined && number !== undefined && number < this.#lostBefore;
  }

  /** A run that the process does not hold open, although its end was not heard: twice, since the end may be on its way. */
  #endedUnheard({ runs, time }: Of<'alive'>): Certain[] {
    return this.#open.missed(new Set(runs)).flatMap((run) => this.#lose(run, Number(time / 1_000_000n)));
  }

  #search(fact: ServerFact, own: ServerRun | undefined): ServerRun | undefined {
    switch (fact.kind) {
      case 'span_start':
        return fact.stage === 'storage'
          ? (this.#ofChainSpan(fact.parentSpanId) ?? own ?? this.#owner(fact))
          : own;
      case 'span_end':
        if (fact.stage === 'chain') return this.#ofChainSpan(fact.spanId);
        if (own?.hasOpen(fact.spanId)) return own;
        // Of one whose start is lost, the parent tells, or the module.
        return (
          this.#open.find((run) => run.hasOpen(fact.spanId)) ??
          this.#ofChainSpan(fact.parentSpanId) ??
          (fact.run === undefined ? own : this.#open.numbered(fact.run))
        );
      case 'storage_start':
        return own ?? this.#open.find((run) => run.mayWrite(fact.storage, fact.vconUuid));
      case 'storage_end':
        return own ?? this.#open.find((run) => run.hasOpen(fact.storage) && run.isAt(fact.vconUuid));
      default:
        return own;
    }
  }

  #ofChainSpan(spanId: string | undefined): ServerRun | undefined {
    return spanId === undefined ? undefined : this.#open.ofChainSpan(spanId);
  }

  #owner(span: ServerSpan): ServerRun | undefined {
    return this.#open.find((run) => run.mayOwn(span));
  }

  /** The start of a run came before the module was loaded, or is lost: what is heard of it still tells most of it. */
  #begunUnheard(fact: ServerFact): ServerRun | undefined {
    const isNone = this.#skipping.has(fact.thread) || this.#beganElsewhere(fact) || this.#isLost(fact);
    const known = isNone ? undefined : knownStart(fact);
    if (!known) return undefined;
    const { thread } = fact;
    const start: ToldStart = {
      ...{ ...originOf(fact), kind: 'run_start', ...known },
      ...{ storages: [], egressLists: [], queuedBy: undefined, proceed: true, error: undefined },
      isConcluded: true,
    };
    const run = new ServerRun(start, this.#hearing);
    if (this.#gaps.has(thread)) this.#tell(run, { ...originOf(fact), kind: 'gap' });
    this.#open.add(run);
    return run;
  }
}

const NOTHING: FactResult = { certain: [] };

function originOf({ host, pid, boot, seq, time, claimed, thread, run }: ServerFact): FactOrigin {
  return { host, pid, boot, seq, time, ...(claimed !== undefined && { claimed }), thread, run };
}

function placed(found: readonly Certain[]): FactResult {
  return { certain: found };
}

function certain(run: ServerRun, isNew: boolean, events: readonly ChainEvent[], isOver: boolean): Certain[] {
  return run.run ? [{ run: run.run, events, isNew, isOver }] : [];
}
