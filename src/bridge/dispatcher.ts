import { context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';
import type { Journal, JournalSize, JournalTrouble, RepeatStanding } from '../journal/journal.ts';
import { withDeadline } from '../model/deadline.ts';
import { holdForDelivery } from '../model/delivery.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import type { ChainEvent } from '../model/event.ts';
import type { RarelyLogged } from '../model/rarely-logged.ts';
import type { CircuitState } from './circuit-breaker.ts';
import type { BoundTracer } from './create-tracer.ts';
import type { Attempt } from './event-attempts.ts';
import { RunHolds } from './run-holds.ts';
import { deliveryError } from './tracer-calls.ts';
import { TracerWorker, type TracerWorkerSettings } from './tracer-worker.ts';

export interface DispatcherSettings extends Pick<TracerWorkerSettings, 'completed' | 'took'> {
  readonly journal: Journal;
  readonly log: RarelyLogged;
  /** Whether a tracer is to hear a chain. */
  hears(tracer: string, chain: string): boolean;
  /** Told of an accepted event that was kept already. */
  repeated(): void;
  /** Told what is wrong with the journal. */
  trouble(kind: JournalTrouble, detail: string): void;
}

/**
 * Takes events into the journal and sees to it that each tracer hears them: later, outside the trace they speak
 * of, each tracer at its own pace.
 */
export class Dispatcher {
  readonly workers: readonly TracerWorker[];
  readonly #settings: DispatcherSettings;
  readonly #journal: Journal;
  readonly #holds = new RunHolds();
  readonly #hasStrict: boolean;
  #scheduled = false;
  #ended = false;

  constructor(tracers: readonly BoundTracer[], settings: DispatcherSettings) {
    this.#settings = settings;
    this.#journal = settings.journal;
    this.workers = tracers.map((tracer) => this.#worker(tracer));
    this.#hasStrict = this.workers.some(({ failClosed }) => failClosed);
    this.#journal.listen({
      onRepeat: (event, standing) => {
        settings.repeated();
        for (const tracer of this.#strict(event.chain))
          void this.#settleRepeat(event, tracer, standing(tracer));
      },
      onTrouble: (kind, detail) => settings.trouble(kind, detail),
    });
    // A journal may have kept something from another process.
    this.#schedule();
  }

  /** Whether whoever feeds the journal should come back later. */
  get full(): boolean {
    return !this.#ended && this.#journal.full;
  }

  /** What the journal takes of a disk. */
  get size(): JournalSize | undefined {
    return this.#journal.size;
  }

  /** Resolves when it is not {@link full}. */
  room(): Promise<void> {
    return this.#journal.room();
  }

  /**
   * A chain span has started, the first event of its run comes next. Where a fail-closed tracer hears the chain,
   * the chain runner can wait for it from here on; where the journal is full, for room.
   */
  open(runId: string, chain: string, chainSpan: object): void {
    if (this.#strict(chain).length > 0) this.#holds.open(runId, chainSpan);
    if (this.full) holdForDelivery(chainSpan, () => this.room());
  }

  /** Accepts an event. */
  accept(event: ChainEvent): void {
    // Before the journal has it: it may say at once that it has it already, or cannot keep it.
    this.#holds.expect(event, this.#strict(event.chain));
    this.#journal.append(event);
  }

  /** The last event of a run has been accepted. */
  close(runId: string): void {
    this.#holds.close(runId);
  }

  /** Nothing more of a run will be accepted, although it has not ended: whoever waits for it is told. */
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
    const { persistent } = this.#journal;
    // What is kept can be tried again by the next process.
    await this.#eachInTime(milliseconds, (worker) => (persistent ? worker.drained() : worker.caughtUp(true)));
    this.#holds.failAll(
      new VconOtelError('TRACER_FAILED', 'tracers have been shut down before the chain ended'),
    );
    await this.#each((worker) => worker.shutdown(milliseconds, persistent));
    for (const { name, stats } of this.workers)
      if (stats.dropped > 0)
        this.#settings.log.warn(`end ${name}`, `tracer ${name} did not hear ${stats.dropped} events`);
    this.#ended = true;
    await withDeadline(this.#journal.close(), milliseconds, 'closing the journal').catch((error: unknown) =>
      this.#settings.log.warn('end of the journal', `the journal: ${reasonOf(error)}`),
    );
  }

  /** A chain that starts after the end: whoever must not miss it is told, nobody else is disturbed. */
  refuse(chain: string, chainSpan: object): void {
    const strict = this.workers.find((worker) => worker.failClosed && worker.hears(chain));
    if (!strict) return;
    const error = new VconOtelError('TRACER_FAILED', `tracer ${strict.name} has been shut down`);
    holdForDelivery(chainSpan, () => Promise.reject(error));
  }

  /** The fail-closed tracers that hear a chain. */
  #strict(chain: string): readonly string[] {
    if (!this.#hasStrict) return NOBODY;
    return this.workers.filter((worker) => worker.failClosed && worker.hears(chain)).map(({ name }) => name);
  }

  /** An event that was kept already: one that is still pending settles by itself. */
  async #settleRepeat(event: ChainEvent, tracer: string, standing: Promise<RepeatStanding>): Promise<void> {
    const found = await standing;
    if (found === 'pending') return;
    const error = new VconOtelError('TRACER_FAILED', `tracer ${tracer} has given the event up`);
    this.#holds.settle(event, tracer, found === 'dead' ? { error } : undefined);
  }

  #worker(tracer: BoundTracer): TracerWorker {
    const { name, failClosed } = tracer;
    const { log, hears, completed, took } = this.#settings;
    const consumer = this.#journal.consumer(name, {
      onReadable: () => this.#schedule(),
      onDrop: (event) => {
        worker.lose(event);
        if (!worker.hears(event.chain)) return;
        const error = new VconOtelError(
          'TRACER_FAILED',
          `tracer ${name} lags too far behind: events are dropped`,
        );
        log.warn(`drop ${name}`, error.message);
        if (failClosed) this.#holds.settle(event, name, { error });
      },
      onSkip: (event) => {
        worker.skip(event);
        if (failClosed && worker.hears(event.chain)) this.#holds.settle(event, name);
      },
    });
    const worker: TracerWorker = new TracerWorker(tracer, consumer, {
      completed,
      took,
      hears: (chain) => hears(name, chain),
      again: () => this.#schedule(),
      turned: (state) => this.#tellOfCircuit(name, state),
      attempted: (event, { outcome, failure }) => {
        const error = failure && deliveryError(name, failure);
        if (error) log.warn(`${outcome} ${name}`, `${error.message}${CONSEQUENCE[outcome]}`);
        // As in the conserver, only what a tracer throws can stop a chain, never what it returns.
        if (failClosed && outcome !== 'retried')
          this.#holds.settle(event, name, error && outcome === 'dead' ? { error } : undefined);
      },
    });
    return worker;
  }

  #tellOfCircuit(name: string, state: CircuitState): void {
    const { log } = this.#settings;
    if (state === 'open')
      log.warn(`open ${name}`, `tracer ${name} does not answer: it is left alone for a while`);
    if (state === 'closed') log.warn(`closed ${name}`, `tracer ${name} answers again`);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => context.with(OUTSIDE_ANY_TRACE, () => this.#drain()));
  }

  #drain(): void {
    this.#scheduled = false;
    let more = false;
    for (const worker of this.workers) more = worker.pump(EVENTS_PER_TURN) || more;
    if (more) this.#schedule();
  }

  /** Waits for something of each worker once everything accepted so far is durable, as that is when it can be read. */
  async #eachInTime(milliseconds: number, wait: (worker: TracerWorker) => Promise<void>): Promise<void> {
    await this.#each((worker) =>
      withDeadline(
        this.#journal.durable().then(() => wait(worker)),
        milliseconds,
        `draining tracer ${worker.name}`,
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

/** How many events a tracer is handed before the event loop gets its turn. */
const EVENTS_PER_TURN = 512;

const NOBODY: readonly string[] = [];

/** What becomes of an event after a failure, in the log. */
const CONSEQUENCE: Readonly<Record<Attempt['outcome'], string>> = {
  ok: '',
  failed: '',
  retried: ' (it is tried again)',
  dead: ' (the event is given up)',
};

/**
 * Tracers are called outside the trace they speak of, and their own HTTP calls make no spans. The key is the
 * SDK's (`suppressTracing` in @opentelemetry/core), spelled here because this folder must not import the SDK.
 */
const OUTSIDE_ANY_TRACE = ROOT_CONTEXT.setValue(
  createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING'),
  true,
);
