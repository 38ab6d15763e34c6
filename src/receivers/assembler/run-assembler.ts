import { delivered } from '../../model/delivery.ts';
import { errorType, VconOtelError } from '../../model/error.ts';
import type { Issues } from '../../model/issues.ts';
import type { ForwardedRecord } from '../forwarded-record.ts';
import type { Intake, RecordReceipt } from '../intake.ts';
import type { ReceiverIssue } from '../issues.ts';
import type { ReceivedSpan } from '../received-span.ts';
import type { OpenRun } from './open-run.ts';
import { RecordPlacement, type RecordPlacementSettings } from './record-placement.ts';
import { RunClosing } from './run-closing.ts';
import { SpanPlacement } from './span-placement.ts';
import { takeUp } from './take-up.ts';
import { Teller, type TellerSettings } from './teller.ts';
import { type Keeping, Waiting } from './waiting.ts';

//  spans ───► span placement ────┐            ┌─► what is certain, at once ─► bridge
//                                ├─► open run ┤
//  records ─► record placement ──┘            └─► the rest, when it is over ─► bridge, metrics
//
//  Whatever comes in is put into the inbox before anything is told of it, and removed with the last event of its run.

export interface RunAssemblerSettings
  extends Pick<TellerSettings, 'bridge' | 'observers'>,
    RecordPlacementSettings {
  readonly inbox: Keeping;
  /** Whether what is told cannot be kept for the time being. */
  full(): boolean;
  /** Resolves when what was kept and told so far survives a crash. */
  durable(): Promise<void>;
  readonly issues: Issues<ReceiverIssue>;
  /** Milliseconds after the last news of a run that has ended until it is over. */
  readonly settle: number;
  /** Milliseconds after the last news of any other run. */
  readonly timeout: number;
  /** Runs that may be open at once. */
  readonly maxRuns: number;
}

/** Spans and records that may wait, for each run that may. */
const PER_RUN = 20;
/** Milliseconds of one turn of the event loop that closing runs may take. */
const SLICE = 10;
/** Milliseconds after which a number that a worker left out is taken to be lost. */
const MISSING_FOR = 60_000;

/** Makes runs of spans and records that come in any order, repeated, late or not at all, and tells each of them once. */
export class RunAssembler implements Intake {
  readonly #settings: RunAssemblerSettings;
  readonly #waiting: Waiting;
  readonly #spanPlacement: SpanPlacement;
  readonly #recordPlacement: RecordPlacement;
  readonly #teller: Teller;
  readonly #closing: RunClosing;
  readonly #behind = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #isSweeping = false;
  #isStopped = false;

  constructor(settings: RunAssemblerSettings) {
    const { inbox, timeout, issues, plan, chainWith } = settings;
    this.#settings = settings;
    this.#waiting = new Waiting(inbox, timeout);
    const { open, closed, loose } = this.#waiting;
    this.#spanPlacement = new SpanPlacement(open, closed, loose);
    this.#recordPlacement = new RecordPlacement(open, closed, { plan, chainWith });
    this.#teller = new Teller({ ...settings, missing: () => issues.add('missing_link') });
    this.#closing = new RunClosing({
      waiting: this.#waiting,
      spans: this.#spanPlacement,
      records: this.#recordPlacement,
      teller: this.#teller,
      issues,
      plan,
      timeout,
    });
  }

  /** Runs that are not over. */
  get runs(): number {
    return this.#waiting.open.size;
  }

  get full(): boolean {
    return this.#settings.full();
  }

  /** Takes up what a process before this one left, and begins to close runs in their time. */
  start(): void {
    this.#takeUp();
    const interval = Math.min(Math.max(this.#settings.settle / 10, 20), 1_000);
    this.#timer = setInterval(() => void this.#sweep(), interval);
  }

  spans(spans: readonly ReceivedSpan[]): void {
    if (spans.length > 0) this.#closing.heardSpan();
    this.#takeSpans(spans);
    this.#bound();
  }

  record(record: ForwardedRecord): RecordReceipt {
    const { run, outcome } = this.#takeRecord(record);
    if (run && outcome === 'accepted') this.#tell(run, false);
    this.#bound();
    return {
      outcome,
      delivered: async () => {
        if (run) this.#tell(run, true);
        // Whoever must not go on unheard is not told that all is well, though it may be.
        if (!run?.told) throw new VconOtelError('TRACER_FAILED', 'the run of the record is over');
        await delivered(run.told.span);
      },
    };
  }

  durable(): Promise<void> {
    return this.#settings.durable();
  }

  catchingUp(source: string, behind: boolean): void {
    if (behind) this.#behind.add(source);
    else this.#behind.delete(source);
  }

  /** Stops closing runs; what waits is kept for the next process. */
  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
    this.#waiting.keepWorkers();
  }

  #takeUp(): void {
    const { runs, loose, useless } = takeUp(this.#settings.inbox.found, this.#waiting);
    this.#waiting.forget(useless);
    for (const { id, spans } of loose) {
      this.#takeSpans(spans);
      this.#waiting.forget([id]);
    }
    // What was told of them before is told again: the journal knows it.
    for (const run of runs) if (run.records.size > 0) this.#tell(run, false);
  }

  #takeSpans(spans: readonly ReceivedSpan[]): void {
    const now = performance.now();
    const waiting = this.#waiting;
    const ofRuns = new Map<OpenRun, ReceivedSpan[]>();
    const loose: ReceivedSpan[] = [];
    for (const span of spans) {
      const placed = this.#spanPlacement.place(span);
      if (placed.place === 'late') this.#late(span);
      if (placed.place === 'loose') loose.push(span);
      if (placed.place !== 'run') continue;
      const { run, strays } = placed;
      waiting.open.heard(run, now);
      waiting.open.known(run, span.vconUuid);
      const those = ofRuns.get(run);
      if (those) those.push(span);
      else ofRuns.set(run, [span]);
      loose.push(...strays);
      waiting.size += 1 - strays.length;
    }
    for (const [run, those] of ofRuns) waiting.keepSpans(run, those);
    for (const span of loose) waiting.addLoose(span, waiting.keep({ kind: 'spans', spans: [span] }));
  }

  #takeRecord(record: ForwardedRecord): { run?: OpenRun; outcome: RecordReceipt['outcome'] } {
    const { open, workers } = this.#waiting;
    const now = performance.now();
    const worker = workers.of(record);
    if (workers.isRepeat(worker, record, now)) return { ...runOf(record, worker.runs), outcome: 'duplicate' };
    const placed = this.#recordPlacement.place(record, worker);
    if (placed.place === 'late') {
      this.#settings.issues.add('late_record');
      return { outcome: 'late' };
    }
    let { run } = placed;
    if (placed.place === 'repeated') return { run, outcome: 'duplicate' };
    run.records.set(record.index, record);
    this.#waiting.keepRecord(run, record);
    worker.runs.add(run);
    this.#waiting.size += 1;
    open.known(run, record.before);
    open.known(run, record.after);
    run = this.#waiting.united(this.#recordPlacement.unite(run, worker));
    open.heard(run, now);
    return { run, outcome: 'accepted' };
  }

  #tell(run: OpenRun, all: boolean): void {
    const isBuilt = this.#waiting.isBuilt(run);
    this.#guarded(() => this.#teller.tellRecords(run, isBuilt, all));
  }

  /** A failed chain's span comes when the server's memory is cleaned up, and its run did not wait for it. */
  #late(span: ReceivedSpan): void {
    const isExpected =
      span.stage === 'chain' && span.failed && this.#waiting.closed.get(span.spanId)?.isHeadless;
    if (!isExpected) this.#settings.issues.add('late_span');
  }

  /** Goes through all runs, the one that was heard of longest ago first, a few at a time. */
  async #sweep(): Promise<void> {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    let until = performance.now() + SLICE;
    for (const run of this.#waiting.open) {
      const isSettling = performance.now() - run.news < this.#settings.settle;
      // What cannot be kept now is told later.
      if (isSettling || this.#isStopped || this.full) break;
      this.#guarded(() => this.#closing.lookAt(run, this.#behind.size > 0));
      if (performance.now() < until) continue;
      await new Promise((resolve) => setImmediate(resolve));
      until = performance.now() + SLICE;
    }
    this.#isSweeping = false;
    if (!this.#isStopped) this.#tidy();
  }

  /** Makes room by closing what was heard of longest ago. */
  #bound(): void {
    const { maxRuns, issues } = this.#settings;
    const waiting = this.#waiting;
    while (waiting.open.size > maxRuns || waiting.size > maxRuns * PER_RUN) {
      const [run] = waiting.open;
      if (!run) break;
      issues.add('evicted_run');
      this.#guarded(() => this.#closing.close(run));
      // Whatever went wrong with it, it must not stay.
      if (waiting.open.has(run)) waiting.end(run);
    }
    for (const loose of waiting.loose) {
      if (waiting.size <= maxRuns * PER_RUN) break;
      issues.add('orphan_span');
      waiting.drop(loose);
    }
  }

  #tidy(): void {
    const { timeout, issues } = this.#settings;
    const { loose, workers, closed } = this.#waiting;
    const now = performance.now();
    for (const span of loose) {
      if (now - span.came < timeout) break;
      issues.add('orphan_span');
      this.#waiting.drop(span);
    }
    const lost = workers.giveUp(now - MISSING_FOR);
    if (lost > 0) issues.add('lost_record', `${lost} that a worker numbered`, lost);
    this.#waiting.forget(closed.forget(Date.now()));
    this.#waiting.keepWorkers();
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#settings.issues.add('internal_error', errorType(error));
    }
  }
}

/** Whoever sends a record again may want to wait for what it tells. */
function runOf({ index, seq }: ForwardedRecord, runs: ReadonlySet<OpenRun>): { run?: OpenRun } {
  for (const run of runs) if (run.records.get(index)?.seq === seq) return { run };
  return {};
}
