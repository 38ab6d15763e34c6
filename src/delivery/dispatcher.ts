import type { EventLog, EventLogState, JournalTrouble, Repeat } from '../journal/event-log.ts';
import { withDeadline } from '../model/deadline.ts';
import { VconOtelError } from '../model/error.ts';
import type { ChainEvent } from '../model/event.ts';
import type { EventSink } from '../model/event-sink.ts';
import type { ThrottledLog } from '../model/throttled-log.ts';
import type { BoundTracer } from './bound-tracer.ts';
import { outsideAnyTrace } from './outside-any-trace.ts';
import { RunHolds } from './run-holds.ts';
import type { Completed } from './tracer-calls.ts';
import type { TracerWorker } from './tracer-worker.ts';
import type { TracerWorkerSettings } from './tracer-worker-settings.ts';
import { reasonOf, TracerWorkers } from './tracer-workers.ts';

//  accept() ─► the events of one turn of the event loop ─► event log ─► a worker for each tracer ─► calls

export interface DispatcherSettings extends Pick<TracerWorkerSettings, 'completed' | 'took' | 'clock'> {
  readonly journal: EventLog;
  readonly log: ThrottledLog;
  /** Whether a tracer is to hear a chain. */
  hears(tracer: string, chain: string): boolean;
  /** Called when accepted events turn out to be kept already. */
  repeated(count: number): void;
  /** Called when something is wrong with the journal, or a chain has waited for a tracer in vain. */
  trouble(kind: JournalTrouble | 'unheard_chain', detail: string): void;
}

/**
 * Appends events to the journal and delivers them to each tracer: later, outside the trace they belong to, and at the
 * tracer's own pace.
 */
export class Dispatcher implements EventSink {
  readonly #workers: TracerWorkers;
  readonly #settings: DispatcherSettings;
  readonly #journal: EventLog;
  readonly #holds: RunHolds;
  #state: EventLogState = { full: false, room: 0, failing: false, size: undefined };
  /** Accepted in this turn of the event loop. */
  #accepted: ChainEvent[] = [];
  #rooms: (() => void)[] = [];
  #isScheduled = false;
  #isEnded = false;

  constructor(tracers: readonly BoundTracer[], settings: DispatcherSettings) {
    this.#settings = settings;
    this.#journal = settings.journal;
    this.#holds = new RunHolds({
      clock: settings.clock,
      limit: (tracer) => this.#workers.named(tracer)?.chainWait ?? 0,
      late: (tracer) => settings.trouble('unheard_chain', `tracer ${tracer}`),
    });
    this.#workers = new TracerWorkers(tracers, {
      ...settings,
      holds: this.#holds,
      underway: () => this.#accepted.length,
      schedule: () => this.#schedule(),
    });
    this.#journal.observe({
      onState: (state) => {
        this.#state = state;
        if (!this.full) this.#makeRoom();
      },
      onTrouble: (kind, detail) => settings.trouble(kind, detail),
    });
  }

  get workers(): readonly TracerWorker[] {
    return this.#workers.all;
  }

  /** Told of each call that was answered well. */
  set completed(completed: Completed | undefined) {
    this.#workers.completed = completed;
  }

  /**
   * Has tracers rest: what they have not heard waits for {@link exchange}. Resolves when the calls under way have ended, and the tracers
   * themselves. Never rejects.
   */
  rest(names: readonly string[], milliseconds: number): Promise<void> {
    return this.#workers.rest(names, milliseconds);
  }

  /**
   * Puts other tracers in the place of those that {@link rest}. Who has the name of one of these goes on where that has stopped; who has a
   * new one hears what is accepted from now on; who is not among them leaves, and keeps its place in a journal that is persistent.
   * @param rested the names of those that rest
   */
  async exchange(rested: readonly string[], tracers: readonly BoundTracer[]): Promise<void> {
    if (this.#isEnded) {
      await Promise.allSettled(tracers.map(({ tracer }) => tracer.shutdown?.()));
      return;
    }
    this.#append();
    await this.#workers.exchange(rested, tracers);
  }

  get full(): boolean {
    return !this.#isEnded && (this.#state.full || this.#accepted.length >= this.#state.room);
  }

  /** What is known of the journal. */
  get journal(): EventLogState {
    return this.#state;
  }

  room(): Promise<void> {
    return this.full ? new Promise((pass) => this.#rooms.push(pass)) : Promise.resolve();
  }

  accept(event: ChainEvent): void {
    const { stage, phase, runId, chain } = event;
    if (this.#isEnded) {
      this.#refuse(event);
      return;
    }
    // Before the journal gets it, which may drop it at once.
    if (this.#workers.strict.length > 0) {
      const strict = this.#workers.strictOf(chain);
      if (strict.length > 0 && stage === 'chain' && phase === 'start') this.#holds.open(runId);
      this.#holds.expect(event, strict);
    }
    this.#accepted.push(event);
    this.#schedule();
    if (stage === 'chain' && phase !== 'start') this.#holds.close(runId);
  }

  /** The event came too late: callers that wait for its run get an error. */
  #refuse({ runId, chain }: ChainEvent): void {
    if (this.#workers.strictOf(chain).length === 0) return;
    this.#holds.open(runId);
    this.#holds.fail(runId, new VconOtelError('TRACER_FAILED', 'tracers have been shut down'));
    this.#holds.close(runId);
  }

  isAwaited(chain: string): boolean {
    return this.#workers.strictOf(chain).length > 0;
  }

  async durable(): Promise<void> {
    this.#append();
    await this.#journal.append([]);
  }

  delivered(runId: string, patiently = false): Promise<void> {
    return this.#holds.settled(runId, patiently);
  }

  abandon(runId: string): void {
    this.#holds.fail(
      runId,
      new VconOtelError('TRACER_FAILED', 'too many chains are open: a run was given up'),
    );
    this.#holds.close(runId);
  }

  /**
   * Resolves when tracers have heard everything accepted so far, or the time is up; a tracer that is left alone (its
   * circuit is open) is not waited for. Never rejects.
   */
  async flush(milliseconds: number): Promise<void> {
    await this.#eachInTime(milliseconds, (worker) => worker.caughtUp(false));
    await this.#workers.each((worker) => worker.flush(milliseconds));
  }

  /** Lets tracers hear what is left, then ends them and the journal. Never rejects. */
  async shutdown(milliseconds: number): Promise<void> {
    const { clock, log } = this.#settings;
    const { persistent } = this.#journal;
    // The next process can retry what is kept.
    await this.#eachInTime(milliseconds, (worker) => (persistent ? worker.drained() : worker.caughtUp(true)));
    this.#holds.failAll(
      new VconOtelError('TRACER_FAILED', 'tracers have been shut down before the chain ended'),
    );
    this.#append();
    await this.#workers.each((worker) => worker.shutdown(milliseconds, persistent));
    for (const { name, stats } of this.workers)
      if (stats.dropped > 0) log.warn(`end ${name}`, `tracer ${name} did not hear ${stats.dropped} events`);
    this.#isEnded = true;
    this.#makeRoom();
    const closed = withDeadline(this.#journal.close(), milliseconds, 'closing the journal', clock);
    await closed.catch((error: unknown) => log.warn('end of the journal', `the journal: ${reasonOf(error)}`));
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => outsideAnyTrace(() => this.#turn()));
  }

  #turn(): void {
    // Events that become readable at once are read below.
    this.#append();
    this.#isScheduled = false;
    for (const worker of this.workers) worker.pump(EVENTS_PER_TURN);
  }

  /** Appends the accepted events to the journal. */
  #append(): void {
    if (this.#accepted.length === 0) return;
    const events = this.#accepted;
    this.#accepted = [];
    const strict = this.#workers.strict.map(({ name }) => name);
    // The journal is asked how far these tracers are with repeats, so it needs their reports first.
    for (const worker of this.#workers.strict) worker.report();
    this.#journal.append(events, strict).then(
      (repeats) => this.#settleRepeats(repeats),
      // Each worker was notified of the dropped events.
      () => undefined,
    );
    if (!this.full) this.#makeRoom();
  }

  /** Repeats that are pending settle by themselves. */
  #settleRepeats(repeats: readonly Repeat[]): void {
    if (repeats.length === 0) return;
    this.#settings.repeated(repeats.length);
    for (const { event, progress } of repeats)
      for (const name of this.#workers.strictOf(event.chain)) {
        const state = progress.get(name);
        if (state === 'pending') continue;
        const error = new VconOtelError('TRACER_FAILED', `tracer ${name} has given the event up`);
        this.#holds.settle(event, name, state === 'dead' ? { error } : undefined);
      }
  }

  #makeRoom(): void {
    for (const pass of this.#rooms.splice(0)) pass();
  }

  /** Waits for each worker once everything accepted so far is durable, because only then it can be read. */
  async #eachInTime(milliseconds: number, wait: (worker: TracerWorker) => Promise<void>): Promise<void> {
    const durable = this.durable();
    durable.catch(() => undefined);
    await this.#workers.each((worker) =>
      withDeadline(
        durable.then(() => wait(worker)),
        milliseconds,
        `draining tracer ${worker.name}`,
        this.#settings.clock,
      ),
    );
  }
}

/** How many events a tracer gets before the event loop has its turn. */
const EVENTS_PER_TURN = 512;
