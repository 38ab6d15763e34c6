import type { ConsumerListener } from '../journal/consumer.ts';
import type { EventLog, EventLogState, JournalTrouble, Repeat } from '../journal/event-log.ts';
import { withDeadline } from '../model/deadline.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import type { ChainEvent } from '../model/event.ts';
import type { EventSink } from '../model/event-sink.ts';
import type { ThrottledLog } from '../model/throttled-log.ts';
import type { BoundTracer } from './bound-tracer.ts';
import type { CircuitState } from './circuit-breaker.ts';
import type { Attempt } from './event-attempts.ts';
import { outsideAnyTrace } from './outside-any-trace.ts';
import { RunHolds } from './run-holds.ts';
import { deliveryError } from './tracer-calls.ts';
import { TracerWorker, type TracerWorkerSettings } from './tracer-worker.ts';

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
  readonly workers: readonly TracerWorker[];
  readonly #settings: DispatcherSettings;
  readonly #journal: EventLog;
  readonly #holds: RunHolds;
  readonly #strict: readonly TracerWorker[];
  #state: EventLogState = { full: false, room: 0, failing: false, size: undefined };
  /** Accepted in this turn of the event loop. */
  #accepted: ChainEvent[] = [];
  #rooms: (() => void)[] = [];
  #isScheduled = false;
  #isEnded = false;

  constructor(tracers: readonly BoundTracer[], settings: DispatcherSettings) {
    this.#settings = settings;
    this.#journal = settings.journal;
    this.workers = tracers.map((tracer) => this.#worker(tracer));
    this.#strict = this.workers.filter(({ failClosed }) => failClosed);
    this.#holds = new RunHolds({
      clock: settings.clock,
      limits: new Map(tracers.map(({ name, delivery }) => [name, delivery.chainWait])),
      late: (tracer) => settings.trouble('unheard_chain', `tracer ${tracer}`),
    });
    this.#journal.observe({
      onState: (state) => {
        this.#state = state;
        if (!this.full) this.#makeRoom();
      },
      onTrouble: (kind, detail) => settings.trouble(kind, detail),
    });
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
    if (this.#strict.length > 0) {
      const strict = this.#strictOf(chain);
      if (strict.length > 0 && stage === 'chain' && phase === 'start') this.#holds.open(runId);
      this.#holds.expect(event, strict);
    }
    this.#accepted.push(event);
    this.#schedule();
    if (stage === 'chain' && phase !== 'start') this.#holds.close(runId);
  }

  /** The event came too late: callers that wait for its run get an error. */
  #refuse({ runId, chain }: ChainEvent): void {
    if (this.#strictOf(chain).length === 0) return;
    this.#holds.open(runId);
    this.#holds.fail(runId, new VconOtelError('TRACER_FAILED', 'tracers have been shut down'));
    this.#holds.close(runId);
  }

  isAwaited(chain: string): boolean {
    return this.#strictOf(chain).length > 0;
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
    await this.#each((worker) => worker.flush(milliseconds));
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
    await this.#each((worker) => worker.shutdown(milliseconds, persistent));
    for (const { name, stats } of this.workers)
      if (stats.dropped > 0) log.warn(`end ${name}`, `tracer ${name} did not hear ${stats.dropped} events`);
    this.#isEnded = true;
    this.#makeRoom();
    const closed = withDeadline(this.#journal.close(), milliseconds, 'closing the journal', clock);
    await closed.catch((error: unknown) => log.warn('end of the journal', `the journal: ${reasonOf(error)}`));
  }

  /** The names of the fail-closed tracers that hear a chain. */
  #strictOf(chain: string): readonly string[] {
    if (this.#strict.length === 0) return NOBODY;
    return this.#strict.filter((worker) => worker.hears(chain)).map(({ name }) => name);
  }

  #worker(tracer: BoundTracer): TracerWorker {
    const { name } = tracer;
    const { completed, took, hears, clock } = this.#settings;
    const worker: TracerWorker = new TracerWorker(tracer, {
      clock,
      completed,
      took,
      hears: (chain) => hears(name, chain),
      underway: () => this.#accepted.length,
      again: () => this.#schedule(),
      turned: (state) => this.#tellOfCircuit(name, state),
      attempted: (attempt) => this.#attempted(tracer, attempt),
      heard: (event) => {
        if (tracer.failClosed) this.#holds.settle(event, name);
      },
    });
    void this.#journal.consumer(name, this.#listener(worker)).then((consumer) => worker.attach(consumer));
    return worker;
  }

  #listener(worker: TracerWorker): ConsumerListener {
    const { name, failClosed } = worker;
    return {
      onReadable: () => worker.readable(),
      onCounts: (counts) => worker.counted(counts),
      onDrop: (events) => {
        worker.lose(events);
        const heard = events.filter(({ chain }) => worker.hears(chain));
        if (heard.length === 0) return;
        const error = new VconOtelError(
          'TRACER_FAILED',
          `tracer ${name} lags too far behind: events are dropped`,
        );
        this.#settings.log.warn(`drop ${name}`, error.message);
        if (failClosed) for (const event of heard) this.#holds.settle(event, name, { error });
      },
      onSkip: (events) => {
        for (const event of events) {
          worker.skip(event);
          if (failClosed && worker.hears(event.chain)) this.#holds.settle(event, name);
        }
      },
    };
  }

  #attempted({ name, failClosed }: BoundTracer, { event, outcome, failure }: Attempt): void {
    const error = failure && deliveryError(name, failure);
    if (error) this.#settings.log.warn(`${outcome} ${name}`, `${error.message}${CONSEQUENCE[outcome]}`);
    // As in the conserver, only what a tracer throws can stop a chain, never what it returns.
    if (failClosed && outcome !== 'retried')
      this.#holds.settle(event, name, error && outcome === 'dead' ? { error } : undefined);
  }

  #tellOfCircuit(name: string, state: CircuitState): void {
    const { log } = this.#settings;
    if (state === 'open')
      log.warn(`open ${name}`, `tracer ${name} does not answer: it is left alone for a while`);
    if (state === 'closed') log.warn(`closed ${name}`, `tracer ${name} answers again`);
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
    const strict = this.#strict.map(({ name }) => name);
    // The journal is asked how far these tracers are with repeats, so it needs their reports first.
    for (const worker of this.#strict) worker.report();
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
      for (const name of this.#strictOf(event.chain)) {
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
    await this.#each((worker) =>
      withDeadline(
        durable.then(() => wait(worker)),
        milliseconds,
        `draining tracer ${worker.name}`,
        this.#settings.clock,
      ),
    );
  }

  async #each(work: (worker: TracerWorker) => Promise<void>): Promise<void> {
    await Promise.all(
      this.workers.map((worker) =>
        work(worker).catch((error: unknown) =>
          this.#settings.log.warn(`end of ${worker.name}`, `tracer ${worker.name}: ${reasonOf(error)}`),
        ),
      ),
    );
  }
}

function reasonOf(error: unknown): string {
  return error instanceof VconOtelError ? error.message : errorType(error);
}

/** How many events a tracer gets before the event loop has its turn. */
const EVENTS_PER_TURN = 512;

const NOBODY: readonly string[] = [];

/** What the log says about an event after a failure. */
const CONSEQUENCE: Readonly<Record<Attempt['outcome'], string>> = {
  ok: '',
  failed: ' (a dead letter: the call is not made again)',
  retried: ' (it is tried again)',
  dead: ' (the event is given up)',
};
