import { delivered } from '../../model/delivery.ts';
import { errorType } from '../../model/error.ts';
import type { Issues } from '../../model/issues.ts';
import type { ForwardedRecord } from '../forwarded-record.ts';
import type { Intake, RecordReceipt } from '../intake.ts';
import type { ReceiverIssue } from '../issues.ts';
import type { ReceivedSpan } from '../received-span.ts';
import { decodeEntry } from './entry.ts';
import type { OpenRun } from './open-run.ts';
import { RecordPlacement } from './record-placement.ts';
import { RunClosing } from './run-closing.ts';
import { SpanPlacement } from './span-placement.ts';
import { Teller, type TellerSettings } from './teller.ts';
import { type Keeping, Waiting } from './waiting.ts';

//  spans ───► span placement ────┐            ┌─► what is certain, at once ─► bridge
//                                ├─► open run ┤
//  records ─► record placement ──┘            └─► the rest, when it is over ─► bridge, metrics
//
//  Whatever comes in is put into the inbox before anything is told of it, and removed with the last event of its run.

export interface RunAssemblerSettings extends Pick<TellerSettings, 'bridge' | 'observers' | 'plan'> {
  readonly inbox: Keeping;
  /** Whether what is told cannot be kept for the time being. */
  full(): boolean;
  /** Resolves when what was kept and told so far survives a crash. */
  durable(): Promise<void>;
  /** The only chain that is configured with these links, if there is only one. */
  chainWith(links: readonly string[]): string | undefined;
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
    this.#recordPlacement = new RecordPlacement(open, closed, chainWith);
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
    this.#takeSpans(spans, (those) => this.#waiting.keep({ kind: 'spans', spans: those }));
    this.#bound();
  }

  record(record: ForwardedRecord): RecordReceipt {
    const { run, outcome } = this.#takeRecord(record, (run) =>
      this.#waiting.keep({ kind: 'record', record, run: run.id }),
    );
    if (run && outcome === 'accepted') this.#tell(run, false);
    this.#bound();
    return {
      outcome,
      delivered: async () => {
        if (!run) return;
        this.#tell(run, true);
        if (run.told) await delivered(run.told.span);
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
    const { inbox } = this.#settings;
    const { closed, workers } = this.#waiting;
    const found = inbox.found.map(({ id, body }) => ({ id, entry: decodeEntry(body) }));
    // These say what the others are to be held against.
    for (const { id, entry } of found) {
      if (entry?.kind === 'closed') closed.add(entry.run, id);
      else if (entry?.kind === 'worker') workers.restore(entry.worker, id, performance.now());
      else if (!entry) inbox.remove(id);
    }
    for (const { id, entry } of found) {
      if (entry?.kind === 'spans') this.#takeSpansAgain(entry.spans, id);
      if (entry?.kind !== 'record') continue;
      const { run, outcome } = this.#takeRecord(entry.record, () => id, entry);
      if (outcome !== 'accepted') inbox.remove(id);
      // What was told of it before is told again, in its turn so that it is called the same: the journal knows it.
      else if (run) this.#tell(run, false);
    }
  }

  /** What of an entry that was found belongs elsewhere now is kept anew. */
  #takeSpansAgain(spans: readonly ReceivedSpan[], id: number): void {
    let isTaken = false;
    this.#takeSpans(spans, (those) => {
      if (isTaken) return this.#waiting.keep({ kind: 'spans', spans: those });
      isTaken = true;
      return id;
    });
    if (!isTaken) this.#settings.inbox.remove(id);
  }

  #takeSpans(spans: readonly ReceivedSpan[], keep: (spans: readonly ReceivedSpan[]) => number): void {
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
    for (const [run, those] of ofRuns) run.entries.push(keep(those));
    for (const span of loose) waiting.addLoose(span, keep([span]));
  }

  /** @param kept as it was taken by a process before this one */
  #takeRecord(
    record: ForwardedRecord,
    keep: (run: OpenRun) => number,
    kept?: { readonly run?: string },
  ): { run?: OpenRun; outcome: RecordReceipt['outcome'] } {
    const { open, workers } = this.#waiting;
    const now = performance.now();
    const worker = workers.of(record);
    const isRepeat = workers.isRepeat(worker, record, now) && !kept;
    if (isRepeat) return { ...runOf(record, worker.runs), outcome: 'duplicate' };
    const placed =
      kept?.run === undefined
        ? this.#recordPlacement.place(record, worker)
        : this.#recordPlacement.placeAgain(record, kept.run);
    if (placed.place === 'late') {
      this.#settings.issues.add('late_record');
      return { outcome: 'late' };
    }
    let { run } = placed;
    if (placed.place === 'repeated') return { run, outcome: 'duplicate' };
    run.records.set(record.index, record);
    run.entries.push(keep(run));
    worker.runs.add(run);
    this.#waiting.size += 1;
    run = this.#waiting.united(this.#recordPlacement.unite(run, worker));
    open.heard(run, now);
    open.known(run, record.before);
    open.known(run, record.after);
    return { run, outcome: 'accepted' };
  }

  #tell(run: OpenRun, all: boolean): void {
    // Where no worker of a server ever had a span, nobody but us makes any.
    const isBuilt = run.spans === 0 && this.#waiting.workers.get(run.worker)?.hasSpans === false;
    this.#guarded(() => this.#teller.tellRecords(run, isBuilt, all));
  }

  /** A failed chain's span comes when the server's memory is cleaned up, and its run did not wait for it. */
  #late(span: ReceivedSpan): void {
    const closed = span.stage === 'chain' ? this.#waiting.closed.get(span.spanId) : undefined;
    if (!closed?.isHeadless) this.#settings.issues.add('late_span');
  }

  /** Goes through all runs, the one that was heard of longest ago first, a few at a time. */
  async #sweep(): Promise<void> {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    let until = performance.now() + SLICE;
    for (const run of this.#waiting.open) {
      if (performance.now() - run.news < this.#settings.settle || this.#isStopped) break;
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
