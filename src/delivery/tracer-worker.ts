import type { Attributes } from '@opentelemetry/api';
import type { Consumer, ConsumerCounts, Delivery, ReadBatch } from '../journal/consumer.ts';
import type { Clock } from '../model/clock.ts';
import { withDeadline } from '../model/deadline.ts';
import type { ChainEvent } from '../model/event.ts';
import { ATTR } from '../model/semconv.ts';
import { Barriers } from './barriers.ts';
import type { BoundTracer } from './bound-tracer.ts';
import { CircuitBreaker, type CircuitState } from './circuit-breaker.ts';
import { type Attempt, EventAttempts } from './event-attempts.ts';
import { RunQueues } from './run-queues.ts';
import { MAX_UNSETTLED, Subscription } from './subscription.ts';
import { type Completed, TracerCalls } from './tracer-calls.ts';
import { attemptsIn, noStats } from './tracer-stats.ts';

export interface TracerWorkerSettings {
  readonly clock: Clock;
  /** Whether the tracer is to hear this chain. */
  hears(chain: string): boolean;
  /** Events that were accepted and that the journal does not have yet. */
  underway(): number;
  /** Called after each attempt. */
  attempted(attempt: Attempt): void;
  /** Called instead where an event was heard at the first attempt, and at once. */
  heard(event: ChainEvent): void;
  /** Called after each call that succeeded. */
  readonly completed?: Completed | undefined;
  /** Gets the seconds that the tracer took. */
  took(seconds: number, tracer: Attributes): void;
  /** Called when there is something to {@link TracerWorker.pump} again. */
  again(): void;
  /** Called when the circuit opens, is tried, and closes. */
  turned(state: CircuitState): void;
}

/** Delivers events to one tracer, at its own pace, and reports to the journal what became of them. */
export class TracerWorker {
  readonly stats = noStats();
  readonly #bound: BoundTracer;
  readonly #settings: TracerWorkerSettings;
  readonly #calls: TracerCalls;
  readonly #circuit: CircuitBreaker;
  readonly #attributes: Attributes;
  readonly #attempts: EventAttempts;
  readonly #queues: RunQueues;
  readonly #subscription: Subscription;
  /** Events that are not settled, each with its number in the order of reading, oldest first. */
  readonly #unsettled = new Map<ChainEvent, number>();
  /** Attempts that earlier processes made at some of these. */
  readonly #earlier = new Map<ChainEvent, Delivery>();
  /** Events that were read. */
  #read = 0;
  #wasFull = false;
  /** When its turn began, on the clock's `elapsed`, and how many events it may then read at once. */
  #turnBegan = 0;
  #limit = 0;
  /** Its counts at the end. */
  #ended: { readonly depth: number; readonly dead: number } | undefined;
  /** Callers that pass may look at the counts, which needs the reports to be sent. */
  readonly #barriers = new Barriers(() => this.report());

  constructor(bound: BoundTracer, settings: TracerWorkerSettings) {
    const { clock } = settings;
    this.#bound = bound;
    this.#settings = settings;
    this.#calls = new TracerCalls(bound, this.stats, clock, settings.completed);
    this.#circuit = new CircuitBreaker(bound.delivery, clock, (state) => this.#turned(state));
    this.#attempts = new EventAttempts({
      calls: this.#calls,
      policy: bound.delivery,
      circuit: this.#circuit,
      clock,
      earlier: (event) => this.#earlier.get(event),
      wanted: (event) => this.#unsettled.has(event),
    });
    this.#queues = new RunQueues({
      concurrency: bound.delivery.concurrency,
      circuit: this.#circuit,
      clock,
      attempts: this.#attempts,
      attempted: (attempt) => this.#attempted(attempt),
      heard: (event, seconds) => this.#heard(event, seconds),
      moved: (late) => this.#moved(late),
      again: settings.again,
    });
    this.#subscription = new Subscription({ take: (batch) => this.#take(batch), again: settings.again });
    this.#attributes = { [ATTR.tracerName]: bound.name };
  }

  get name(): string {
    return this.#bound.name;
  }

  get failClosed(): boolean {
    return this.#bound.failClosed;
  }

  get circuit(): CircuitState {
    return this.#circuit.state;
  }

  hears(chain: string): boolean {
    return this.#settings.hears(chain);
  }

  /** Events still to be heard. */
  get depth(): number {
    return this.#ended ? this.#ended.depth : this.#subscription.counts.depth + this.#settings.underway();
  }

  /** Dead letters that the journal keeps. */
  get deadLetters(): number {
    return this.#ended ? this.#ended.dead : this.#subscription.counts.dead;
  }

  /** Runs of which an event has failed and is not settled yet. */
  get retrying(): number {
    return this.#queues.retrying;
  }

  /** Age in seconds of the oldest event still to be heard; 0 if there is none. */
  get oldestAge(): number {
    if (this.#ended) return 0;
    const [unsettled] = this.#unsettled.keys();
    const oldest = unsettled ? unsettled.time : this.#subscription.counts.oldestUnread;
    return oldest === undefined ? 0 : Math.max(0, this.#settings.clock.now() - oldest) / 1e3;
  }

  /** Its position in the journal is known. */
  attach(consumer: Consumer): void {
    this.#subscription.attach(consumer);
  }

  /** The journal has something to read. */
  readable(): void {
    this.#subscription.readable();
  }

  /** The journal has new counts. */
  counted(counts: ConsumerCounts): void {
    this.#subscription.counted(counts);
    this.#barriers.check();
  }

  /**
   * Resolves when the tracer has heard everything so far; later events do not hold it up.
   * @param patiently also waits while the circuit is open
   */
  caughtUp(patiently: boolean): Promise<void> {
    const upTo = this.#subscription.counts.given + this.#subscription.counts.unread;
    return this.#barriers.until(() => {
      const [oldest = this.#read] = this.#unsettled.values();
      return upTo <= oldest || this.depth === 0 || (!patiently && this.#circuit.state === 'open');
    });
  }

  /** Stops retrying, and resolves when everything that can be delivered at once has been. */
  drained(): Promise<void> {
    this.#circuit.stop();
    this.#queues.stop();
    return this.#barriers.until(
      () =>
        this.#queues.idle &&
        !this.#subscription.isReading &&
        (!this.#circuit.lets ||
          this.#subscription.counts.unread === 0 ||
          this.#unsettled.size >= MAX_UNSETTLED),
    );
  }

  /** The journal has dropped unread events. */
  lose(events: readonly ChainEvent[]): void {
    for (const { chain } of events) if (this.#settings.hears(chain)) this.stats.dropped += 1;
    this.#barriers.check();
  }

  /** An event must not be delivered. If a call is under way, its run goes on when that has ended. */
  skip(unwanted: ChainEvent): void {
    if (!this.#settings.hears(unwanted.chain)) return;
    this.stats.skipped += 1;
    const event = this.#queues.remove(unwanted);
    if (event) this.#letGo(event);
    this.#settings.again();
  }

  /** Goes on with waiting runs, and reads up to `limit` more events if there are any. */
  pump(limit: number): void {
    if (this.#ended) return;
    this.#turnBegan = this.#settings.clock.elapsed();
    this.#limit = limit;
    this.#timed(() => this.#queues.goOn());
    this.#barriers.check();
    if (this.#queues.ready) this.#settings.again();
    const room = this.#room();
    if (room > 0) this.#subscription.read(room);
  }

  /** How many events may be read now. */
  #room(): number {
    const room = Math.min(this.#limit, MAX_UNSETTLED - this.#unsettled.size);
    this.#wasFull = room <= 0;
    return room;
  }

  /** Sends queued reports to the journal. */
  report(): void {
    this.#subscription.flush();
  }

  /** Flushes what the tracer itself buffers. */
  async flush(milliseconds: number): Promise<void> {
    await this.#inTime(this.#bound.tracer.forceFlush?.(), milliseconds, `forceFlush of tracer ${this.name}`);
  }

  /**
   * Ends the tracer.
   * @param keeps whether the journal keeps the events that it has not heard; otherwise they count as dropped
   */
  async shutdown(milliseconds: number, keeps: boolean): Promise<void> {
    this.#subscription.end();
    const { depth, dead } = this.#subscription.counts;
    if (!keeps) this.stats.dropped += depth;
    this.#ended = { depth: keeps ? depth : 0, dead };
    this.#calls.abandon();
    this.#circuit.stop();
    this.#queues.clear();
    this.#unsettled.clear();
    this.#earlier.clear();
    this.#barriers.release();
    const { tracer, name } = this.#bound;
    await this.#inTime(tracer.shutdown?.(), milliseconds, `shutdown of tracer ${name}`);
  }

  #inTime(work: Promise<void> | undefined, milliseconds: number, what: string): Promise<void> {
    return withDeadline(Promise.resolve(work), milliseconds, what, this.#settings.clock);
  }

  #take({ events, attempted }: ReadBatch): void {
    for (const [event, delivery] of attempted) this.#earlier.set(event, delivery);
    this.#timed(() => {
      for (const event of events) this.#deliver(event, this.#read++);
    });
    this.#barriers.check();
    const isNoticed = this.#settings.clock.elapsed() - this.#turnBegan > TURN;
    const room = isNoticed ? 0 : this.#room();
    if (room > 0) this.#subscription.readOn(room);
  }

  #deliver(event: ChainEvent, number: number): void {
    if (!this.#settings.hears(event.chain))
      this.#subscription.report({ event, outcome: 'unheard', delivery: undefined });
    else if (this.#queues.take(event)) this.#unsettled.set(event, number);
  }

  #attempted(attempt: Attempt): void {
    const { event, outcome } = attempt;
    this.stats[outcome === 'failed' ? 'dead' : outcome] += 1;
    if (outcome !== 'retried') this.#letGo(event);
    this.#subscription.report(attempt);
    this.#settings.attempted(attempt);
  }

  #heard(event: ChainEvent, seconds: number): void {
    this.stats.ok += 1;
    if (this.#unsettled.size > 0) this.#letGo(event);
    this.#subscription.heard(event, seconds);
    this.#settings.heard(event);
  }

  #letGo(event: ChainEvent): void {
    this.#unsettled.delete(event);
    if (this.#earlier.size > 0) this.#earlier.delete(event);
  }

  /** Measures the tracer's time, if it settles anything. */
  #timed(work: () => void): void {
    const { clock, took } = this.#settings;
    const before = attemptsIn(this.stats);
    const began = clock.elapsed();
    this.#attempts.inARow(work);
    if (attemptsIn(this.stats) > before) took((clock.elapsed() - began) / 1e3, this.#attributes);
  }

  #turned(state: CircuitState): void {
    this.#settings.turned(state);
    if (state !== 'half_open') return;
    this.#queues.goOn();
    this.#moved(undefined);
  }

  /** Something has changed: there may be room for more, or a barrier may have opened. */
  #moved(late: Attempt | undefined): void {
    if (late) this.#settings.took(late.delivery.duration, this.#attributes);
    if (this.#wasFull && this.#unsettled.size < MAX_UNSETTLED) {
      this.#wasFull = false;
      this.#settings.again();
    }
    this.#barriers.check();
  }
}

/** Milliseconds that a worker may read on before the event loop gets its turn. */
const TURN = 3;
