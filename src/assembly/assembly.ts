import type { Inbox } from '../journal/inbox.ts';
import type { Clock } from '../model/clock.ts';
import { errorType } from '../model/error.ts';
import type { EventSink } from '../model/event-sink.ts';
import type { FactSink, RecordReceipt } from '../model/fact-sink.ts';
import type { Issues } from '../model/issues.ts';
import { type Facts, type ReadReceived, type Received, sentBy } from '../model/received.ts';
import type { RunObserver } from '../model/run.ts';
import { Assembler } from './assembler.ts';
import { CarryForward } from './carry-forward.ts';
import { withinWindow } from './claimed-times.ts';
import type { ConfiguredChain } from './configured-chains.ts';
import { dueOfOthers, dueOfRuns } from './due.ts';
import type { NewEntry } from './entry.ts';
import { handOn, show } from './hand-on.ts';
import type { Decided } from './input.ts';
import { InputLog } from './input-log.ts';
import { Intake } from './intake.ts';
import type { AssemblyIssue } from './issues.ts';
import { MakingRoom, runsOf } from './making-room.ts';
import { inWords } from './number-ranges.ts';
import { noOutcome, type Outcome } from './outcome.ts';
import { Receipts } from './receipts.ts';
import { recover } from './recovery.ts';
import { takeFacts } from './take-facts.ts';

//  what came ──────► input log ──► assembler ──► events ──► delivery
//  clock, limits ──────┘              └──► runs ──► metrics, pages
//
//  Whatever has an effect on runs is appended to the log before anything comes of it; a restart reads it again, and the same comes of it.

export interface AssemblySettings {
  readonly inbox: Inbox;
  /** Reads what receivers have accepted before. */
  readonly read: ReadReceived;
  readonly events: EventSink;
  /** Are shown whole runs, with all that was found out about them. */
  readonly observers: readonly RunObserver[];
  readonly clock: Clock;
  readonly issues: Issues<AssemblyIssue>;
  /** The chains that are configured, by name; another map as soon as they are others. */
  chains(): ReadonlyMap<string, ConfiguredChain>;
  /** Whether what is heard cannot be kept for the time being. */
  full(): boolean;
  /** Whether there is no memory for more for the time being. Default: there always is. */
  tight?(): boolean;
  /** Whether too much lives in memory, garbage apart, while a process goes on where one before it was. Default: it never does. */
  crowded?(): boolean;
  /** Milliseconds after the last news of a run that has ended until it is over. */
  readonly settle: number;
  /** Milliseconds after the last news of any other run. */
  readonly timeout: number;
  /** Milliseconds before and after its receipt between which something is believed to have happened: else the receipt's time stands in. */
  readonly oldest: number;
  readonly ahead: number;
  /** False: nothing brings spans. Default true. */
  readonly hearsSpans?: boolean;
  /** Runs that may be open at once. */
  readonly maxRuns: number;
  /** Milliseconds that ending may take to keep the log short. */
  readonly endTimeout: number;
}

/** Milliseconds of one turn of the event loop that closing runs may take: tracers are to hear as fast as events come of it. */
const SLICE = 3;

/** Makes runs, and their events, of the facts that receivers bring: once, in order, as early as they are certain. */
export class Assembly implements FactSink {
  readonly #settings: AssemblySettings;
  readonly #assembler: Assembler;
  readonly #log: InputLog;
  readonly #carryForward: CarryForward;
  readonly #intake = new Intake();
  readonly #receipts: Receipts;
  readonly #room: MakingRoom;
  readonly #behind = new Set<string>();
  #chains: ReadonlyMap<string, ConfiguredChain>;
  /** On the clock's `elapsed`: before the first, spans may be due. */
  #lastSpan: number;
  /** Since when spans are refused, milliseconds since the Unix epoch. */
  #refusedSince: number | undefined;
  /** Whether events were handed on since it was noted which are kept. */
  #hasEmitted: boolean;
  #callOff: () => void = () => {};
  #isStopped = false;

  /** Goes on where a process before this one was, and begins to close runs in their time. */
  static async open(settings: AssemblySettings): Promise<Assembly> {
    const assembler = new Assembler();
    const { size, lost, hasMadeRoom } = await recover(settings, assembler);
    const assembly = new Assembly(settings, assembler, new InputLog(settings.inbox, size));
    if (lost.length > 0) assembly.#lost(lost);
    if (hasMadeRoom) void assembly.#carry();
    return assembly;
  }

  private constructor(settings: AssemblySettings, assembler: Assembler, log: InputLog) {
    this.#settings = settings;
    this.#assembler = assembler;
    this.#log = log;
    this.#carryForward = new CarryForward({ ...settings, log });
    this.#receipts = new Receipts({ ...settings, assembler, decide: (decided) => this.#decide(decided) });
    this.#room = new MakingRoom({
      ...{ ...settings, assembler },
      spansMayCome: () => this.#spansMayCome,
      isIdle: () => this.#isStopped || settings.full(),
      decide: (decided) => this.#decide(decided),
    });
    this.#chains = assembler.chains.byName;
    this.#hasEmitted = log.size > 0;
    this.#lastSpan = settings.hearsSpans === false ? Number.NEGATIVE_INFINITY : settings.clock.elapsed();
    if (settings.hearsSpans !== false) this.#unheard(assembler.unheard.last);
    for (const { emitted } of assembler.open) if (emitted) show({ news: 'began', run: emitted }, settings);
    this.#sweepLater();
  }

  /** Runs that are not over. */
  get runs(): number {
    return runsOf(this.#assembler);
  }

  get full(): boolean {
    const { full, tight, clock } = this.#settings;
    if (!full() && !tight?.()) return false;
    this.#refusedSince ??= clock.now();
    return true;
  }

  async take(received: Received, claimed: Facts): Promise<readonly RecordReceipt[]> {
    const { clock, oldest, ahead, issues } = this.#settings;
    const now = clock.now();
    // Nothing comes from the future.
    const window = { at: Math.min(received.at ?? now, now), oldest, ahead };
    const { facts, outside } = withinWindow(claimed, window);
    if (outside > 0) issues.add('wrong_time', undefined, outside);
    if (facts.spans.length > 0) {
      if (this.#refusedSince !== undefined) this.#unheard(this.#refusedSince);
      this.#refusedSince = undefined;
      this.#lastSpan = clock.elapsed();
    }
    const receipts: RecordReceipt[] = [];
    await this.#intake.take({ received, window }, sentBy(received, facts), (entry, some) =>
      receipts.push(...this.#takeFacts(entry, some)),
    );
    return receipts;
  }

  durable(): Promise<void> {
    return this.#log.kept();
  }

  takenOver(): void {
    this.#decide({ kind: 'taken_over' });
  }

  catchingUp(source: string, behind: boolean): void {
    if (behind) this.#behind.add(source);
    else this.#behind.delete(source);
  }

  /** Makes room in memory: closes some of the runs that were heard of longest ago. Never rejects. @returns whether there was any */
  relieve(): Promise<boolean> {
    return this.#room.relieve();
  }

  /** Stops closing runs; what waits is kept for the next process. Never rejects. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#callOff();
    const { clock, full, endTimeout } = this.#settings;
    if (full()) return;
    const timeUp = new Promise<void>((resolve) => {
      this.#callOff = clock.after(endTimeout, resolve);
    });
    await Promise.race([this.#carry(), timeUp]);
    this.#callOff();
  }

  /** Until now nobody listened. @param since milliseconds since the Unix epoch; undefined: as far back as matters */
  #unheard(since = Number.NEGATIVE_INFINITY): void {
    const { clock, timeout } = this.#settings;
    const to = clock.now();
    // A span from the future says nothing of when we were last there.
    const from = since <= to ? Math.max(since, to - timeout) : to - timeout;
    this.#decide({ kind: 'unheard', from, to });
  }

  /** Inputs cannot be read any more: whatever was under way may have lost spans. */
  #lost(places: readonly number[]): void {
    this.#settings.issues.add('lost_input', inWords(places), places.length);
    if (this.#settings.hearsSpans !== false) this.#unheard();
  }

  /** Logs what was decided, and hands on what comes of it. */
  #decide(decided: Decided): void {
    const { clock, issues } = this.#settings;
    this.#logged(decided, (out) => {
      try {
        this.#assembler.take(decided, clock.elapsed(), out);
      } catch (error) {
        issues.add('internal_error', errorType(error));
      }
    });
  }

  /** Logs facts that came, and hands on what comes of them. @returns a receipt for each record */
  #takeFacts(entry: NewEntry, facts: Facts): RecordReceipt[] {
    const { clock, issues } = this.#settings;
    const failed = (error: unknown) => issues.add('internal_error', errorType(error));
    const taken = this.#logged(entry, (out) =>
      takeFacts(this.#assembler, facts, clock.elapsed(), out, failed),
    );
    this.#room.bound();
    return facts.records.map((record, index) => this.#receipts.of(record, taken[index]));
  }

  #logged<T>(entry: NewEntry, take: (out: Outcome) => T): T {
    const configured = this.#settings.chains();
    if (configured !== this.#chains) this.#configure(configured);
    void this.#log.append(entry);
    const out = noOutcome();
    const taken = take(out);
    this.#hasEmitted ||= out.events.length > 0;
    handOn(out, this.#settings);
    return taken;
  }

  #configure(chains: ReadonlyMap<string, ConfiguredChain>): void {
    this.#chains = chains;
    const isSame = JSON.stringify([...chains]) === JSON.stringify([...this.#assembler.chains.byName]);
    if (!isSame) this.#decide({ kind: 'configured', chains });
  }

  #sweepLater(): void {
    const { clock, settle } = this.#settings;
    const interval = Math.min(Math.max(settle / 10, 20), 1_000);
    this.#callOff = clock.after(interval, () => {
      void this.#sweep().then(() => {
        if (!this.#isStopped) this.#sweepLater();
      });
    });
  }

  /** Looks what is due by now, some milliseconds at a time. */
  async #sweep(): Promise<void> {
    const { clock } = this.#settings;
    const sources = { areBehind: () => this.#behind.size > 0, spansMayCome: () => this.#spansMayCome };
    let until = clock.elapsed() + SLICE;
    for (const decision of dueOfRuns(this.#assembler, clock, this.#settings, sources)) {
      // What cannot be kept now is decided later.
      if (this.#isStopped || this.#settings.full()) break;
      if (decision) this.#decide(decision);
      if (clock.elapsed() < until) continue;
      await new Promise<void>((resolve) => clock.after(0, resolve));
      until = clock.elapsed() + SLICE;
    }
    if (this.#isStopped) return;
    for (const decision of dueOfOthers(this.#assembler, clock, this.#settings, sources))
      this.#decide(decision);
    void this.#noteEmitted();
    if (this.#carryForward.isDue) void this.#carry();
  }

  /** What was taken in part could not be taken on from what is carried. */
  #carry(): Promise<void> {
    return this.#intake.whenIdle(() => this.#carryForward.carry(this.#assembler));
  }

  /** Notes which events need not be handed on again by a process after this one. */
  async #noteEmitted(): Promise<void> {
    if (!this.#hasEmitted) return;
    this.#hasEmitted = false;
    try {
      await this.#log.kept();
      const upTo = this.#log.lastKept;
      await this.#settings.events.durable();
      await this.#log.append({ kind: 'emitted', upTo });
    } catch {
      // Then they are handed on again.
    }
  }

  get #spansMayCome(): boolean {
    const { clock, timeout } = this.#settings;
    return clock.elapsed() - this.#lastSpan < timeout;
  }
}
