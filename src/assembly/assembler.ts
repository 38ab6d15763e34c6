import type { RecordFact, SpanFact } from '../model/fact.ts';
import type { ServerFact } from '../model/server-fact.ts';
import { closedFromInside, closedRun } from './closed-run.ts';
import { ClosedRuns } from './closed-runs.ts';
import { isEndHeard, seemsOver } from './closing.ts';
import { type ConfiguredChain, ConfiguredChains } from './configured-chains.ts';
import { decide, type Extent, type KnownRun } from './decide.ts';
import { emit } from './emit.ts';
import { spanCount, workerOf } from './facts.ts';
import type { Input } from './input.ts';
import { isExpectedLate, lateRecord, lateSpan } from './late.ts';
import type { Runs } from './match.ts';
import { matchRecord, runOfRepeat } from './match-record.ts';
import { isUnion, type Union, unionByRecords, unionByTrace, unionOfBoth } from './match-runs.ts';
import { matchSpan } from './match-span.ts';
import { spansToAdopt } from './match-unplaced.ts';
import type { OpenRun } from './open-run.ts';
import { OpenRuns } from './open-runs.ts';
import type { Outcome, RecordOutcome } from './outcome.ts';
import { type ServerOutcome, ServerProcesses } from './server/server-processes.ts';
import type { Certain } from './server/server-runs.ts';
import { toMillis } from './times.ts';
import { Unheard } from './unheard.ts';
import { UnplacedSpans } from './unplaced-spans.ts';
import { Workers } from './workers.ts';

/**
 * Makes runs of spans and records that come in any order, repeated, late or not at all. It alone has a state, and what
 * becomes of that follows from the inputs: it knows no clock and no listener.
 */
export class Assembler implements Runs {
  readonly open = new OpenRuns();
  readonly closed = new ClosedRuns();
  readonly unplaced = new UnplacedSpans();
  readonly workers = new Workers();
  readonly processes = new ServerProcesses();
  readonly unheard = new Unheard();
  #chains = new ConfiguredChains(new Map());
  /** Ways in which a run, of which nothing more is to be expected, can be one with others. */
  readonly #unions = [
    (run: OpenRun) => unionByRecords(run, this.workers.get(workerOf(run.facts)), this, true),
    (run: OpenRun) => unionOfBoth(run, this),
    (run: OpenRun) => unionByTrace(run, this),
  ];

  get chains(): ConfiguredChains {
    return this.#chains;
  }

  /** Spans and records of what is not over. */
  get facts(): number {
    return this.open.facts + this.unplaced.size + this.processes.facts;
  }

  /** How the chain of a run is configured. */
  configured({ chain }: OpenRun): ConfiguredChain | undefined {
    return this.#chains.get(chain);
  }

  /**
   * Takes an input.
   * @param now on the clock's `elapsed`: only those who decide look at it
   * @param out gets what comes of it
   */
  take(input: Exclude<Input, { kind: 'record' | 'server' }>, now: number, out: Outcome): void {
    switch (input.kind) {
      case 'spans':
        for (const span of input.spans) this.#hearSpan(span, now, out);
        break;
      case 'configured':
        this.configure(input.chains);
        break;
      case 'orphaned':
        this.#giveUp(input.spans, out);
        break;
      case 'missed': {
        const { missing, ...heard } = this.processes.miss(input.process);
        if (missing > 0) out.issues.push({ kind: 'lost_fact', count: missing });
        this.#takeHeard(heard, now, out);
        break;
      }
      case 'gone':
        this.#takeCertain(this.processes.lose(input.process, input.at), out);
        break;
      case 'evicted':
        this.#takeCertain(this.processes.evict(input.process, input.at), out);
        break;
      case 'taken_over':
        // What was missing before did not come for another either.
        for (const process of this.processes.allWaiting()) this.take({ kind: 'missed', process }, now, out);
        this.processes.takeOver();
        break;
      case 'called': {
        const { fact } = input;
        const run = this.processes.runOf(fact);
        if (run && fact.kind === 'tracer') out.events.push(...run.call(fact.index, fact.time));
        break;
      }
      case 'lost': {
        const count = this.workers.giveUp(input);
        if (count > 0)
          out.issues.push({ kind: 'lost_record', detail: `${count} that a worker numbered`, count });
        break;
      }
      case 'forgotten':
        this.closed.forget(input.runs);
        break;
      case 'unheard':
        this.unheard.add(input.from, input.to);
        break;
      default:
        this.#takeOf(this.open.called(input.run), input, out);
    }
  }

  /** Takes a record, see {@link take}. */
  takeRecord(record: RecordFact, now: number, out: Outcome): RecordOutcome {
    const worker = this.workers.of(record);
    if (this.workers.isRepeat(worker, record, now))
      return { outcome: 'duplicate', run: runOfRepeat(record, worker.runs) };
    const match = matchRecord(record, worker, this);
    if (match.whose === 'repeated') return { outcome: 'duplicate', run: match.run };
    if (match.whose === 'late') {
      out.issues.push({ kind: 'late_record' });
      out.events.push(lateRecord(match.run, record));
      return { outcome: 'late', run: undefined };
    }
    const run = match.whose === 'new' ? this.open.begin(match.names) : match.run;
    this.open.hearRecord(run, match.record, match.whose === 'run' ? match.root : undefined);
    worker.runs.add(run);
    const whole = this.#unite(unionByRecords(run, worker, this, false));
    this.open.heard(whole, now, record);
    this.#emit(whole, 'certain', out);
    return { outcome: 'accepted', run: whole };
  }

  /** Takes a fact from inside the server, see {@link take}. @returns whether it has come before */
  takeServerFact(fact: ServerFact, now: number, out: Outcome): 'accepted' | 'duplicate' {
    const heard = this.processes.take(fact, now);
    if (heard) this.#takeHeard(heard, now, out);
    return heard ? 'accepted' : 'duplicate';
  }

  /** The server's configuration is another from here on. */
  configure(chains: ReadonlyMap<string, ConfiguredChain>): void {
    this.#chains = new ConfiguredChains(chains);
  }

  /** Says what is certain of a run. */
  emitCertain(run: OpenRun, out: Outcome): void {
    this.#emit(run, 'certain', out);
  }

  /** Whether something would be emitted if somebody waited for what records of a run say. */
  hasMoreIfAsked(run: OpenRun): boolean {
    return decide(this.#known(run), 'asked', run.emitted).statements.length > 0;
  }

  /** Whether anything of a run came under other names. */
  hasMoreToGather(run: OpenRun): boolean {
    return this.#unions.some((union) => isUnion(union(run))) || spansToAdopt(run, this).length > 0;
  }

  #takeOf(run: OpenRun | undefined, input: Extract<Input, { run: string }>, out: Outcome): void {
    if (!run) return;
    if (input.kind === 'asked') this.#emit(run, 'asked', out);
    else if (input.kind === 'gathered') this.#gather(run);
    else this.#close(run, input, out);
  }

  #takeHeard({ certain, records, unplaced, elsewhere }: ServerOutcome, now: number, out: Outcome): void {
    this.#takeCertain(certain, out);
    for (const record of records) this.takeRecord(record, now, out);
    if (unplaced > 0) out.issues.push({ kind: 'unplaced_fact', count: unplaced });
    if (elsewhere > 0) out.issues.push({ kind: 'elsewhere_fact', count: elsewhere });
  }

  #takeCertain(certain: readonly Certain[], out: Outcome): void {
    for (const { run, events, isNew, isOver } of certain) {
      // All was said of it by its spans, before what was heard inside the server came.
      const isTold = this.closed.of(run.runId)?.isFromInside === false;
      if (isTold) out.issues.push({ kind: 'late_record' });
      if (isTold) continue;
      // Nothing has been emitted of what spans alone tell, and what is heard inside the server is more.
      const ofSpans = isNew ? this.open.of(run.runId) : undefined;
      if (ofSpans && !ofSpans.emitted) this.#end(ofSpans);
      out.events.push(...events);
      if (isNew) out.runs.push({ news: 'began', run });
      if (!isOver) continue;
      if (run.phase === 'lost') out.issues.push({ kind: 'lost_run' });
      out.runs.push({ news: 'ended', run });
      this.closed.add(closedFromInside(run));
    }
  }

  #giveUp(spans: readonly string[], out: Outcome): void {
    let orphans = 0;
    for (const spanId of spans) {
      const span = this.unplaced.get(spanId);
      this.unplaced.remove(spanId);
      const run =
        span?.vconUuid === undefined ? undefined : this.closed.at(span.vconUuid, toMillis(span.start));
      if (!run?.isFromInside) orphans += 1;
    }
    if (orphans > 0) out.issues.push({ kind: 'orphan_span', count: orphans });
  }

  #hearSpan(span: SpanFact, now: number, out: Outcome): void {
    this.unheard.hear(span);
    const root = span.stage === 'chain' ? span.spanId : span.parentSpanId;
    const isKnown =
      root !== undefined && (this.processes.hasChainSpan(root) || this.closed.of(root)?.isFromInside);
    // What is heard inside the server is certain, and says all that the span does.
    if (isKnown) return;
    const match = matchSpan(span, this);
    for (const run of match.misled) this.open.forgetIds(run);
    if (match.whose === 'unplaced') this.unplaced.add(span, now);
    if (match.whose === 'late' && !isExpectedLate(match.run, span)) {
      out.issues.push({ kind: 'late_span' });
      out.events.push(lateSpan(match.run, span));
    }
    if (match.whose !== 'run' && match.whose !== 'new') return;
    const run = match.whose === 'new' ? this.open.begin(match.names) : match.run;
    if (span.stage === 'chain' && this.unheard.overlaps(span)) this.open.gapped(run);
    for (const stray of this.open.hearSpan(run, span, match.root, now)) this.unplaced.add(stray, now);
  }

  /** Takes in what came of a run under other names. */
  #gather(run: OpenRun): void {
    for (const union of this.#unions) if (this.open.has(run)) this.#unite(union(run));
    for (const span of this.open.has(run) ? spansToAdopt(run, this) : []) {
      this.unplaced.remove(span.spanId);
      this.open.adopt(run, span);
    }
  }

  /** @returns the run that stays */
  #unite({ misled, whole, as, parts }: Union): OpenRun {
    for (const run of misled) this.open.forgetIds(run);
    if (parts.length > 0) this.open.unite(whole, as, parts);
    for (const part of parts) {
      const runs = this.workers.get(workerOf(part.facts))?.runs;
      runs?.delete(part);
      runs?.add(whole);
    }
    return whole;
  }

  #emit(run: OpenRun, extent: Extent, out: Outcome): void {
    const { statements, missing } = decide(this.#known(run), extent, run.emitted);
    for (let i = 0; i < missing; i += 1) out.issues.push({ kind: 'missing_link' });
    const emitted = emit(run.emitted, statements, (event) => out.events.push(event), run);
    if (run.emitted || !emitted) return;
    this.open.emitted(run, emitted);
    out.runs.push({ news: 'began', run: emitted });
  }

  #known(run: OpenRun): KnownRun {
    // Nobody but us makes spans of a run if no worker of the server ever had one.
    const isUnrecorded =
      spanCount(run.facts) === 0 && this.workers.get(workerOf(run.facts))?.hasSpans === false;
    return { ...run, configured: this.configured(run), isUnrecorded };
  }

  #close(run: OpenRun, { at, spansMayCome }: Extract<Input, { kind: 'closed' }>, out: Outcome): void {
    this.#gather(run);
    // It may have turned out to be a part of another.
    if (!this.open.has(run)) return;
    const { facts } = run;
    const isOver = isEndHeard(facts) || seemsOver(facts, this.configured(run), spansMayCome);
    if (this.#isLeaked(run)) out.issues.push({ kind: 'leaked_context' });
    try {
      this.#emitRest(run, isOver ? 'over' : 'given_up', out);
      if (run.emitted) this.closed.add(closedRun(run, run.emitted, at));
      else out.issues.push({ kind: 'orphan_span' });
    } catch (error) {
      if (run.emitted) out.runs.push({ news: 'abandoned', run: run.emitted });
      throw error;
    } finally {
      // Whatever went wrong with it, it must not stay.
      this.#end(run);
    }
  }

  #emitRest(run: OpenRun, extent: Extent, out: Outcome): void {
    const { emitted: before } = run;
    this.#emit(run, extent, out);
    const { emitted } = run;
    if (!emitted) return;
    if (emitted.phase === 'lost') out.issues.push({ kind: 'lost_run' });
    // What was emitted early was not as exact as what is known now.
    const exact =
      before && emit(undefined, decide({ ...this.#known(run), called: emitted }, extent).statements);
    out.runs.push({ news: 'ended', run: exact ?? emitted });
  }

  #end(run: OpenRun): void {
    this.open.remove(run);
    this.workers.get(workerOf(run.facts))?.runs.delete(run);
  }

  /** Whether the Python server had left the span of a failed chain as the current one. */
  #isLeaked({ facts: { chainSpan } }: OpenRun): boolean {
    const parent = chainSpan?.parentSpanId;
    return parent !== undefined && (this.open.of(parent) ?? this.closed.of(parent)) !== undefined;
  }
}
