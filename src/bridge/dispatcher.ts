import { context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';
import type { Journal } from '../journal/journal.ts';
import { withDeadline } from '../model/deadline.ts';
import { holdForDelivery } from '../model/delivery.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import type { ChainEvent } from '../model/event.ts';
import type { RarelyLogged } from '../model/rarely-logged.ts';
import type { BoundTracer } from './create-tracer.ts';
import { RunHold } from './run-hold.ts';
import { deliveryError } from './tracer-calls.ts';
import { TracerWorker, type TracerWorkerSettings } from './tracer-worker.ts';

export interface DispatcherSettings extends Pick<TracerWorkerSettings, 'concurrency' | 'timeout' | 'took'> {
  readonly journal: Journal;
  readonly log: RarelyLogged;
  /** Whether a tracer is to hear a chain. */
  hears(tracer: string, chain: string): boolean;
}

/**
 * Takes events into the journal and sees to it that each tracer hears them: later, outside the trace they speak
 * of, each tracer at its own pace.
 */
export class Dispatcher {
  readonly workers: readonly TracerWorker[];
  readonly #settings: DispatcherSettings;
  readonly #holds = new Map<string, RunHold>();
  #scheduled = false;

  constructor(tracers: readonly BoundTracer[], settings: DispatcherSettings) {
    this.#settings = settings;
    this.workers = tracers.map((tracer) => this.#worker(tracer));
  }

  /**
   * A chain span has started, the first event of its run comes next. Where a fail-closed tracer hears the chain,
   * the chain runner can wait for it from here on.
   */
  open(runId: string, chain: string, chainSpan: object): void {
    if (!this.workers.some((worker) => worker.failClosed && worker.hears(chain))) return;
    const hold = new RunHold();
    this.#holds.set(runId, hold);
    holdForDelivery(chainSpan, () => hold.settled());
  }

  /**
   * Accepts an event.
   * @returns whether it was new
   */
  accept(event: ChainEvent): boolean {
    if (!this.#settings.journal.append(event)) return false;
    const hold = this.#holds.size > 0 ? this.#holds.get(event.runId) : undefined;
    if (hold)
      for (const worker of this.workers) if (worker.failClosed && worker.hears(event.chain)) hold.expect();
    this.#schedule();
    return true;
  }

  /** The last event of a run has been accepted. */
  close(runId: string): void {
    const hold = this.#holds.get(runId);
    hold?.close();
    if (hold?.finished) this.#holds.delete(runId);
  }

  /** Nothing more of a run will be accepted, although it has not ended: whoever waits for it is told. */
  abandon(runId: string): void {
    this.#holds
      .get(runId)
      ?.fail(new VconOtelError('TRACER_FAILED', 'too many chains are open: a run was given up'));
    this.close(runId);
  }

  /** Resolves when tracers have heard everything accepted so far, or the time is up. Never rejects. */
  async flush(milliseconds: number): Promise<void> {
    await this.#caughtUp(milliseconds);
    await this.#each((worker) => worker.flush(milliseconds));
  }

  /** As {@link flush}, then ends the tracers and the journal. Never rejects. */
  async shutdown(milliseconds: number): Promise<void> {
    await this.#caughtUp(milliseconds);
    const ended = new VconOtelError('TRACER_FAILED', 'tracers have been shut down before the chain ended');
    for (const hold of this.#holds.values()) hold.fail(ended);
    this.#holds.clear();
    await this.#each((worker) => worker.shutdown(milliseconds));
    for (const { name, stats } of this.workers)
      if (stats.dropped > 0)
        this.#settings.log.warn(`end ${name}`, `tracer ${name} did not hear ${stats.dropped} events`);
    await this.#settings.journal.close();
  }

  /** A chain that starts after the end: whoever must not miss it is told, nobody else is disturbed. */
  refuse(chain: string, chainSpan: object): void {
    const strict = this.workers.find((worker) => worker.failClosed && worker.hears(chain));
    if (!strict) return;
    const error = new VconOtelError('TRACER_FAILED', `tracer ${strict.name} has been shut down`);
    holdForDelivery(chainSpan, () => Promise.reject(error));
  }

  #worker(tracer: BoundTracer): TracerWorker {
    const { name, failClosed } = tracer;
    const { journal, log, hears, concurrency, timeout, took } = this.#settings;
    const consumer = journal.consumer(name, {
      onDrop: (event) => {
        worker.lose(event);
        if (!worker.hears(event.chain)) return;
        const error = new VconOtelError(
          'TRACER_FAILED',
          `tracer ${name} lags too far behind: events are dropped`,
        );
        log.warn(`drop ${name}`, error.message);
        if (failClosed) this.#release(event, { error });
      },
    });
    const worker: TracerWorker = new TracerWorker(tracer, consumer, {
      concurrency,
      timeout,
      took,
      hears: (chain) => hears(name, chain),
      roomAgain: () => this.#schedule(),
      settled: (event, failure) => {
        const error = failure && deliveryError(name, failure);
        if (error) log.warn(`fail ${name}`, error.message);
        // As in the conserver, only what a tracer throws can stop a chain, never what it returns.
        if (failClosed) this.#release(event, error && !failure?.refused ? { error } : undefined);
      },
    });
    return worker;
  }

  #release(event: ChainEvent, failure: { readonly error: unknown } | undefined): void {
    const hold = this.#holds.get(event.runId);
    hold?.settle(failure);
    if (hold?.finished) this.#holds.delete(event.runId);
  }

  #schedule(): void {
    if (this.#scheduled || this.workers.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => context.with(OUTSIDE_ANY_TRACE, () => this.#drain()));
  }

  #drain(): void {
    this.#scheduled = false;
    let more = false;
    for (const worker of this.workers) more = worker.pump(EVENTS_PER_TURN) || more;
    if (more) this.#schedule();
  }

  async #caughtUp(milliseconds: number): Promise<void> {
    await this.#each((worker) =>
      withDeadline(worker.caughtUp(), milliseconds, `draining tracer ${worker.name}`),
    );
  }

  async #each(work: (worker: TracerWorker) => Promise<void>): Promise<void> {
    await Promise.all(
      this.workers.map((worker) =>
        work(worker).catch((error: unknown) => {
          const reason = error instanceof VconOtelError ? error.message : errorType(error);
          this.#settings.log.warn(`end of ${worker.name}`, `tracer ${worker.name}: ${reason}`);
        }),
      ),
    );
  }
}

/** How many events a tracer is handed before the event loop gets its turn. */
const EVENTS_PER_TURN = 512;

/**
 * Tracers are called outside the trace they speak of, and their own HTTP calls make no spans. The key is the
 * SDK's (`suppressTracing` in @opentelemetry/core), spelled here because this folder must not import the SDK.
 */
const OUTSIDE_ANY_TRACE = ROOT_CONTEXT.setValue(
  createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING'),
  true,
);
