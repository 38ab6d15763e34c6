import { delivered } from '../../model/delivery.ts';
import { errorType } from '../../model/error.ts';
import type { Issues } from '../../model/issues.ts';
import type { ForwardedRecord } from '../forwarded-record.ts';
import type { Intake, RecordReceipt } from '../intake.ts';
import type { ReceiverIssue } from '../issues.ts';
import type { ReceivedSpan } from '../received-span.ts';
import { ClosedRuns } from './closed-runs.ts';
import { decodeEntry, type Entry, encodeEntry } from './entry.ts';
import { type LooseSpan, LooseSpans } from './loose-spans.ts';
import type { OpenRun } from './open-run.ts';
import { OpenRuns } from './open-runs.ts';
import { RecordPlacement } from './record-placement.ts';
import { SpanPlacement } from './span-placement.ts';
import { type ChainPlan, failedLink, toMillis } from './story.ts';
import { Teller, type TellerSettings } from './teller.ts';
import { seemsOver } from './when-over.ts';
import { Workers } from './workers.ts';

//  spans ───► span placement ────┐            ┌─► what is certain, at once ─► bridge
//                                ├─► open run ┤
//  records ─► record placement ──┘            └─► the rest, when it is over ─► bridge, metrics
//
//  Whatever comes in is put into the inbox before anything is told of it, and removed with the last event of its run.

/** Where what is waiting is kept (the journal's inbox). */
export interface Keeping {
  readonly found: readonly { readonly id: number; readonly body: string }[];
  put(body: string): number;
  remove(id: number): void;
}

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
/** Milliseconds for which closed runs are remembered, at least. */
const REMEMBERED = 3_600_000;

/** Makes runs of spans and records that come in any order, repeated, late or not at all, and tells each of them once. */
export class RunAssembler implements Intake {
  readonly #settings: RunAssemblerSettings;
  readonly #open = new OpenRuns();
  readonly #closed: ClosedRuns;
  readonly #loose = new LooseSpans();
  readonly #workers = new Workers();
  readonly #spanPlacement: SpanPlacement;
  readonly #recordPlacement: RecordPlacement;
  readonly #teller: Teller;
  readonly #behind = new Set<string>();
  #waiting = 0;
  /** When a span of the conserver came last. */
  #lastSpan = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #isSweeping = false;
  #isStopped = false;

  constructor(settings: RunAssemblerSettings) {
    this.#settings = settings;
    this.#closed = new ClosedRuns(Math.max(REMEMBERED, settings.timeout * 4));
    this.#spanPlacement = new SpanPlacement(this.#open, this.#closed, this.#loose);
    this.#recordPlacement = new RecordPlacement(this.#open, this.#closed, settings.chainWith);
    this.#teller = new Teller({ ...settings, missing: () => settings.issues.add('missing_link') });
  }

  /** Runs that are not over. */
  get runs(): number {
    return this.#open.size;
  }

  get full(): boolean {
    return this.#settings.full();
  }

  /** Takes up what a process before this one left, and begins to close runs in their time. */
  start(): void {
    const now = performance.now();
    const runs = new Set<OpenRun>();
    for (const { id, body } of this.#settings.inbox.found) {
      const entry = decodeEntry(body);
      if (entry?.kind === 'closed') this.#closed.add(entry.run, id);
      else if (entry?.kind === 'worker') this.#workers.restore(entry.worker, id, now);
      else if (!entry) this.#settings.inbox.remove(id);
    }
    for (const { id, body } of this.#settings.inbox.found) {
      const entry = decodeEntry(body);
      if (entry?.kind === 'spans') this.#takeAgain(entry.spans, id);
      if (entry?.kind !== 'record') continue;
      const { run, outcome } = this.#takeRecord(entry.record, () => id, true);
      if (run) runs.add(run);
      if (outcome !== 'accepted') this.#settings.inbox.remove(id);
    }
    // What was told of them before is told again: the journal knows it.
    for (const run of runs) this.#tell(run, false);
    this.#timer = setInterval(
      () => void this.#sweep(),
      Math.min(Math.max(this.#settings.settle / 10, 20), 1_000),
    );
  }

  spans(spans: readonly ReceivedSpan[]): void {
    if (spans.length > 0) this.#lastSpan = performance.now();
    this.#takeSpans(spans, (those) => this.#keep({ kind: 'spans', spans: those }));
    this.#bound();
  }

  record(record: ForwardedRecord): RecordReceipt {
    const { run, outcome } = this.#takeRecord(record, () => this.#keep({ kind: 'record', record }));
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
    this.#keepWorkers();
  }

  /** What of an entry that was found belongs elsewhere now is kept anew. */
  #takeAgain(spans: readonly ReceivedSpan[], id: number): void {
    let isTaken = false;
    this.#takeSpans(spans, (those) => {
      if (isTaken) return this.#keep({ kind: 'spans', spans: those });
      isTaken = true;
      return id;
    });
    if (!isTaken) this.#settings.inbox.remove(id);
  }

  #takeSpans(spans: readonly ReceivedSpan[], keep: (spans: readonly ReceivedSpan[]) => number): void {
    const now = performance.now();
    const ofRuns = new Map<OpenRun, ReceivedSpan[]>();
    const loose: ReceivedSpan[] = [];
    for (const span of spans) {
      const placed = this.#spanPlacement.place(span);
      if (placed.place === 'late') this.#late(span);
      if (placed.place === 'loose') loose.push(span);
      if (placed.place !== 'run') continue;
      const { run, strays } = placed;
      this.#open.heard(run, now);
      this.#open.known(run, span.vconUuid);
      const those = ofRuns.get(run);
      if (those) those.push(span);
      else ofRuns.set(run, [span]);
      loose.push(...strays);
      this.#waiting += 1 - strays.length;
    }
    for (const [run, those] of ofRuns) run.entries.push(keep(those));
    for (const span of loose) {
      this.#loose.add({ span, entries: [keep([span])], came: now });
      this.#waiting += 1;
    }
  }

  /** @param isKept it was taken before, in a process before this one */
  #takeRecord(
    record: ForwardedRecord,
    keep: () => number,
    isKept = false,
  ): { run?: OpenRun; outcome: RecordReceipt['outcome'] } {
    const now = performance.now();
    const worker = this.#workers.of(record);
    const isRepeat = this.#workers.isRepeat(worker, record, now) && !isKept;
    const placed = isRepeat
      ? this.#placeAgain(record, worker.runs)
      : this.#recordPlacement.place(record, worker);
    if (placed.place === 'late') {
      if (!isRepeat) this.#settings.issues.add('late_record');
      return { outcome: isRepeat ? 'duplicate' : 'late' };
    }
    const { run } = placed;
    if (placed.place === 'repeated') return { run, outcome: 'duplicate' };
    run.records.set(record.index, record);
    this.#waiting += 1;
    run.entries.push(keep());
    worker.runs.add(run);
    for (const other of this.#recordPlacement.unite(run, worker)) this.#unite(run, other);
    this.#open.heard(run, now);
    this.#open.known(run, record.before);
    this.#open.known(run, record.after);
    return { run, outcome: 'accepted' };
  }

  /** Whoever sends a record again may want to wait for what it tells. */
  #placeAgain({ index, seq }: ForwardedRecord, runs: ReadonlySet<OpenRun>) {
    for (const run of runs)
      if (run.records.get(index)?.seq === seq) return { place: 'repeated', run } as const;
    return { place: 'late' } as const;
  }

  #tell(run: OpenRun, all: boolean): void {
    this.#guarded(() => this.#teller.tellRecords(run, this.#isBuilt(run), all));
  }

  /** Where no worker of a server ever had a span, nobody but us makes any. */
  #isBuilt(run: OpenRun): boolean {
    return run.spans === 0 && this.#workers.get(run.worker)?.hasSpans === false;
  }

  #unite(run: OpenRun, other: OpenRun): void {
    run.entries.push(...other.entries);
    for (const uuid of other.uuids()) this.#open.known(run, uuid);
    this.#remove(other);
  }

  #remove(run: OpenRun): void {
    this.#open.remove(run);
    this.#workers.get(run.worker)?.runs.delete(run);
  }

  /** A failed chain's span comes when the server's memory is cleaned up, and its run did not wait for it. */
  #late(span: ReceivedSpan): void {
    const closed = span.stage === 'chain' ? this.#closed.get(span.spanId) : undefined;
    if (!closed?.isHeadless) this.#settings.issues.add('late_span');
  }

  /** Goes through all runs, the one that was heard of longest ago first, a few at a time. */
  async #sweep(): Promise<void> {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    const { settle } = this.#settings;
    let until = performance.now() + SLICE;
    for (const run of this.#open) {
      if (performance.now() - run.news < settle || this.#isStopped) break;
      this.#guarded(() => this.#lookAt(run));
      if (performance.now() < until) continue;
      await new Promise((resolve) => setImmediate(resolve));
      until = performance.now() + SLICE;
    }
    this.#isSweeping = false;
    if (!this.#isStopped) this.#tidy();
  }

  /** Closes a run if its time has come. */
  #lookAt(run: OpenRun): void {
    const age = performance.now() - run.news;
    const limit = this.#plan(run)?.timeout ?? this.#settings.timeout;
    if (run.chainSpan && !run.isGapless) this.#adopt(run);
    const isDue = this.#seemsOver(run) && this.#behind.size === 0;
    if (isDue || age >= limit) this.#close(run);
  }

  #seemsOver(run: OpenRun): boolean {
    const worker = this.#workers.get(run.worker);
    const isHearing = performance.now() - this.#lastSpan < this.#settings.timeout;
    return seemsOver(run, { plan: this.#plan(run), spansMayCome: isHearing && worker?.hasSpans === true });
  }

  #adopt(run: OpenRun): void {
    for (const other of this.#spanPlacement.takeOver(run)) this.#unite(run, other);
    for (const { span, entries } of this.#spanPlacement.adopt(run, this.#plan(run))) {
      run.entries.push(...entries);
      this.#open.known(run, span.vconUuid);
    }
  }

  #close(run: OpenRun): void {
    this.#adopt(run);
    const worker = this.#workers.get(run.worker);
    if (worker) for (const other of this.#recordPlacement.unite(run, worker)) this.#unite(run, other);
    const other = this.#spanPlacement.counterpart(run);
    if (other) {
      this.#marry(run, other);
      return;
    }
    const { issues, inbox } = this.#settings;
    const isTruncated = !run.chainSpan && !failedLink(run) && !this.#seemsOver(run);
    if (isTruncated) issues.add('truncated_run');
    if (this.#isLeaked(run)) issues.add('leaked_context');
    if (this.#teller.tellRest(run, isTruncated)) this.#remember(run);
    else issues.add('orphan_span');
    this.#remove(run);
    this.#waiting -= run.spans + run.records.size;
    for (const entry of new Set(run.entries)) inbox.remove(entry);
  }

  /** What spans tell is of the run that records with wrong ids told of. */
  #marry(run: OpenRun, recorded: OpenRun): void {
    this.#remove(run);
    recorded.rootSpanId = run.rootSpanId;
    const spans = [run.chainSpan, ...run.links.values(), ...run.storages];
    for (const span of spans) if (span) recorded.add(span);
    recorded.entries.push(...run.entries);
    for (const uuid of recorded.uuids()) this.#open.known(recorded, uuid);
    this.#open.heard(recorded, run.news);
  }

  #remember(run: OpenRun): void {
    if (!run.told) return;
    const { span } = run.told;
    const closed = {
      ids: run.rootSpanId === undefined || run.rootSpanId === run.id ? [run.id] : [run.id, run.rootSpanId],
      chain: run.chain ?? '',
      uuids: [...new Set(run.uuids())],
      from: toMillis(span.startTime),
      to: toMillis(span.endTime),
      at: Date.now(),
      isHeadless: !run.chainSpan,
    };
    this.#closed.add(closed, this.#keep({ kind: 'closed', run: closed }));
  }

  /** Whether the Python server had left the span of a failed chain as the current one. */
  #isLeaked({ chainSpan }: OpenRun): boolean {
    const parent = chainSpan?.parentSpanId;
    return parent !== undefined && (this.#open.get(parent) ?? this.#closed.get(parent)) !== undefined;
  }

  /** Makes room by closing what was heard of longest ago. */
  #bound(): void {
    const { maxRuns, issues } = this.#settings;
    while (this.#open.size > maxRuns || this.#waiting > maxRuns * PER_RUN) {
      const [run] = this.#open;
      if (!run) break;
      issues.add('evicted_run');
      this.#guarded(() => this.#close(run));
      // Whatever went wrong with it, it must not stay.
      if (this.#open.has(run)) this.#remove(run);
    }
    for (const loose of this.#loose) {
      if (this.#waiting <= maxRuns * PER_RUN) break;
      this.#drop(loose);
    }
  }

  #tidy(): void {
    const { timeout, issues, inbox } = this.#settings;
    const now = performance.now();
    for (const loose of this.#loose) {
      if (now - loose.came < timeout) break;
      this.#drop(loose);
    }
    const lost = this.#workers.giveUp(now - MISSING_FOR);
    if (lost > 0) issues.add('lost_record', `${lost} that a worker numbered`, lost);
    for (const entry of this.#closed.forget(Date.now())) inbox.remove(entry);
    this.#keepWorkers();
  }

  #drop(loose: LooseSpan): void {
    this.#loose.remove(loose);
    this.#waiting -= 1;
    this.#settings.issues.add('orphan_span');
    for (const entry of loose.entries) this.#settings.inbox.remove(entry);
  }

  #keepWorkers(): void {
    const { inbox } = this.#settings;
    for (const worker of this.#workers.changed()) {
      if (worker.entry !== undefined) inbox.remove(worker.entry);
      worker.entry = this.#keep({ kind: 'worker', worker: this.#workers.body(worker) });
      worker.isChanged = false;
    }
    for (const entry of this.#workers.takeForgotten()) inbox.remove(entry);
  }

  #keep(entry: Entry): number {
    return this.#settings.inbox.put(encodeEntry(entry));
  }

  #plan(run: OpenRun): ChainPlan | undefined {
    return run.chain === undefined ? undefined : this.#settings.plan(run.chain);
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#settings.issues.add('internal_error', errorType(error));
    }
  }
}
