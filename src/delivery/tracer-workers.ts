import type { ConsumerListener } from '../journal/consumer.ts';
import type { EventLog } from '../journal/event-log.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import type { ChainEvent } from '../model/event.ts';
import type { ThrottledLog } from '../model/throttled-log.ts';
import type { BoundTracer } from './bound-tracer.ts';
import type { CircuitState } from './circuit-breaker.ts';
import type { Attempt } from './event-attempts.ts';
import type { RunHolds } from './run-holds.ts';
import { type Completed, deliveryError } from './tracer-calls.ts';
import { TracerWorker } from './tracer-worker.ts';
import type { Remains, TracerWorkerSettings } from './tracer-worker-settings.ts';

/** What the workers of a dispatcher are made with. */
export interface TracerWorkersSettings
  extends Pick<TracerWorkerSettings, 'completed' | 'took' | 'clock' | 'underway'> {
  readonly journal: EventLog;
  readonly log: ThrottledLog;
  readonly holds: RunHolds;
  /** Whether a tracer is to hear a chain. */
  hears(tracer: string, chain: string): boolean;
  /** Called when there is something to pump. */
  schedule(): void;
}

/** A worker for each tracer. Tracers come and go while others hear. */
export class TracerWorkers {
  readonly #settings: TracerWorkersSettings;
  #all: readonly TracerWorker[] = [];
  #strict: readonly TracerWorker[] = [];
  #completed: Completed | undefined;

  constructor(tracers: readonly BoundTracer[], settings: TracerWorkersSettings) {
    this.#settings = settings;
    this.#completed = settings.completed;
    this.#have(tracers.map((tracer) => this.#entering(tracer)));
  }

  get all(): readonly TracerWorker[] {
    return this.#all;
  }

  /** Those that chains wait for. */
  get strict(): readonly TracerWorker[] {
    return this.#strict;
  }

  named(name: string): TracerWorker | undefined {
    return this.#all.find((worker) => worker.name === name);
  }

  /** The names of the fail-closed tracers that hear a chain. */
  strictOf(chain: string): readonly string[] {
    if (this.#strict.length === 0) return NOBODY;
    return this.#strict.filter((worker) => worker.hears(chain)).map(({ name }) => name);
  }

  /** See `Dispatcher`. */
  set completed(completed: Completed | undefined) {
    this.#completed = completed;
  }

  /**
   * Has tracers rest: what they have not heard waits for {@link exchange}. Resolves when the calls under way have ended, and the tracers
   * themselves. Never rejects.
   */
  async rest(names: readonly string[], milliseconds: number): Promise<void> {
    await this.each(async (worker) => {
      if (names.includes(worker.name)) await worker.rest(milliseconds);
    });
  }

  /**
   * Puts other tracers in the place of those that {@link rest}. Who has the name of one of these goes on where that has stopped; who has a
   * new one hears what is accepted from now on; who is not among them leaves, and keeps its place in a journal that is persistent.
   * @param rested the names of those that rest
   */
  async exchange(rested: readonly string[], tracers: readonly BoundTracer[]): Promise<void> {
    const { log, holds, journal, schedule } = this.#settings;
    const left = this.#all.filter(({ name }) => rested.includes(name));
    const leaving = left.filter(({ name }) => !tracers.some((tracer) => tracer.name === name));
    const remains = new Map(
      left.filter((worker) => !leaving.includes(worker)).map((worker) => [worker.name, worker.remains()]),
    );
    const entering = tracers.map((tracer) => this.#entering(tracer, remains.get(tracer.name)));
    const others = this.#all.filter((worker) => !left.includes(worker));
    this.#have([...others, ...entering]);
    schedule();
    for (const worker of leaving) {
      const { name } = worker;
      await worker.shutdown(0, journal.persistent);
      holds.release(name);
      if (worker.stats.dropped > 0)
        log.warn(`end ${name}`, `tracer ${name} did not hear ${worker.stats.dropped} events`);
      await journal.leave(name);
    }
  }

  #have(workers: readonly TracerWorker[]): void {
    this.#all = workers;
    this.#strict = workers.filter(({ failClosed }) => failClosed);
  }

  /** Does something with each; what goes wrong is logged. Never rejects. */
  async each(work: (worker: TracerWorker) => Promise<void>): Promise<void> {
    await Promise.all(
      this.#all.map((worker) =>
        work(worker).catch((error: unknown) =>
          this.#settings.log.warn(`end of ${worker.name}`, `tracer ${worker.name}: ${reasonOf(error)}`),
        ),
      ),
    );
  }

  /** A worker for a tracer, and its place in the journal where there is no worker before it that has one. */
  #entering(tracer: BoundTracer, remains?: Remains): TracerWorker {
    const { name } = tracer;
    const { took, hears, clock, underway, holds, schedule, journal } = this.#settings;
    const settle = (event: ChainEvent) => {
      if (tracer.failClosed) holds.settle(event, name);
    };
    const completed = () => this.#completed;
    const settings = {
      clock,
      get completed() {
        return completed();
      },
      took,
      hears: (chain: string) => hears(name, chain),
      underway,
      again: schedule,
      turned: (state: CircuitState) => this.#tellOfCircuit(name, state),
      attempted: (attempt: Attempt) => this.#attempted(tracer, attempt),
      heard: settle,
      unheard: settle,
    };
    const worker = new TracerWorker(tracer, settings, remains);
    if (remains) return worker;
    // The journal says more before it is among the others.
    const current = () => this.named(name) ?? worker;
    void journal.consumer(name, this.#listener(name, current)).then((consumer) => current().attach(consumer));
    return worker;
  }

  /** @param current the worker that the tracer has at that moment */
  #listener(name: string, current: () => TracerWorker): ConsumerListener {
    return {
      onReadable: () => current().readable(),
      onCounts: (counts) => current().counted(counts),
      onDrop: (events) => {
        const worker = current();
        worker.lose(events);
        const heard = events.filter(({ chain }) => worker.hears(chain));
        if (heard.length === 0) return;
        const error = new VconOtelError(
          'TRACER_FAILED',
          `tracer ${name} lags too far behind: events are dropped`,
        );
        this.#settings.log.warn(`drop ${name}`, error.message);
        if (worker.failClosed) for (const event of heard) this.#settings.holds.settle(event, name, { error });
      },
      onSkip: (events) => {
        const worker = current();
        for (const event of events) {
          worker.skip(event);
          if (worker.failClosed && worker.hears(event.chain)) this.#settings.holds.settle(event, name);
        }
      },
    };
  }

  #attempted({ name, failClosed }: BoundTracer, { event, outcome, failure }: Attempt): void {
    const error = failure && deliveryError(name, failure);
    if (error) this.#settings.log.warn(`${outcome} ${name}`, `${error.message}${CONSEQUENCE[outcome]}`);
    // As in the conserver, only what a tracer throws can stop a chain, never what it returns.
    if (failClosed && outcome !== 'retried')
      this.#settings.holds.settle(event, name, error && outcome === 'dead' ? { error } : undefined);
  }

  #tellOfCircuit(name: string, state: CircuitState): void {
    const { log } = this.#settings;
    if (state === 'open')
      log.warn(`open ${name}`, `tracer ${name} does not answer: it is left alone for a while`);
    if (state === 'closed') log.warn(`closed ${name}`, `tracer ${name} answers again`);
  }
}

/** What went wrong, in words that hold nothing of a tracer's own message. */
export function reasonOf(error: unknown): string {
  return error instanceof VconOtelError ? error.message : errorType(error);
}

const NOBODY: readonly string[] = [];

/** What the log says about an event after a failure. */
const CONSEQUENCE: Readonly<Record<Attempt['outcome'], string>> = {
  ok: '',
  failed: ' (a dead letter: the call is not made again)',
  retried: ' (it is tried again)',
  dead: ' (the event is given up)',
};
