import type { Attributes } from '@opentelemetry/api';
import type { JournalConsumer } from '../journal/journal.ts';
import { withDeadline } from '../model/deadline.ts';
import type { ChainEvent } from '../model/event.ts';
import { ATTR } from '../model/semconv.ts';
import { CircuitBreaker, type CircuitState } from './circuit-breaker.ts';
import type { BoundTracer } from './create-tracer.ts';
import { type Attempt, EventAttempts } from './event-attempts.ts';
import { RunLanes } from './run-lanes.ts';
import { type CallCounts, type Completed, TracerCalls } from './tracer-calls.ts';

/** What a worker counts. */
export interface TracerStats extends CallCounts {
  /** Events delivered. */
  ok: number;
  /** Events of which `run` answered `false`. */
  failed: number;
  /** Attempts that failed and are made again. */
  retried: number;
  /** Events given up: a call failed for good. */
  dead: number;
  /** Events given up, because the tracer lagged too far behind or the process ended. */
  dropped: number;
  /** Events that an operator did not want delivered. */
  skipped: number;
}

export interface TracerWorkerSettings {
  /** Whether the tracer is to hear this chain. */
  hears(chain: string): boolean;
  /** Told of each attempt. */
  attempted(event: ChainEvent, attempt: Attempt): void;
  /** Told of each call that was answered well. */
  readonly completed?: Completed | undefined;
  /** Told, in seconds, how long the tracer took. */
  took(seconds: number, tracer: Attributes): void;
  /** Told when there is something to {@link TracerWorker.pump} again. */
  again(): void;
  /** Told when the tracer is left alone, tried, and back. */
  turned(state: CircuitState): void;
}

/** Lets one tracer hear events, at its own pace, and keeps its place in the journal. */
export class TracerWorker {
  readonly stats: TracerStats = {
    trace: 0,
    run: 0,
    ok: 0,
    failed: 0,
    retried: 0,
    dead: 0,
    dropped: 0,
    skipped: 0,
  };
  readonly #bound: BoundTracer;
  readonly #journal: JournalConsumer;
  readonly #settings: TracerWorkerSettings;
  readonly #calls: TracerCalls;
  readonly #circuit: CircuitBreaker;
  readonly #attributes: Attributes;
  readonly #lanes: RunLanes;
  /** Events not settled yet, each with its place in what was read, oldest first. */
  readonly #inHand = new Map<ChainEvent, number>();
  /** Events that were read. */
  #read = 0;
  #wasFull = false;
  /** What was left, and what was dead, at the end. */
  #ended: { readonly depth: number; readonly dead: number } | undefined;
  #barriers: { readonly open: () => boolean; readonly pass: () => void }[] = [];

  constructor(bound: BoundTracer, journal: JournalConsumer, settings: TracerWorkerSettings) {
    this.#bound = bound;
    this.#journal = journal;
    this.#settings = settings;
    this.#calls = new TracerCalls(bound, this.stats, settings.completed);
    this.#circuit = new CircuitBreaker(bound.delivery, (state) => this.#turned(state));
    this.#lanes = new RunLanes({
      concurrency: bound.delivery.concurrency,
      circuit: this.#circuit,
      attempts: new EventAttempts({
        calls: this.#calls,
        policy: bound.delivery,
        circuit: this.#circuit,
        journal,
        wanted: (event) => this.#inHand.has(event),
      }),
      attempted: (event, attempt) => this.#attempted(event, attempt),
      moved: (late) => this.#moved(late),
      again: settings.again,
    });
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
    return this.#ended ? this.#ended.depth : this.#journal.depth;
  }

  /** Dead letters that the journal keeps. */
  get deadLetters(): number {
    return this.#ended ? this.#ended.dead : this.#journal.dead;
  }

  /** Runs of which an event has failed and is not settled yet. */
  get retrying(): number {
    return this.#lanes.retrying;
  }

  /** Age in seconds of the oldest event still to be heard; 0 if there is none. */
  oldestAge(now: number): number {
    if (this.#ended) return 0;
    const [inHand] = this.#inHand.keys();
    const oldest = inHand ? inHand.time : this.#journal.oldestUnread;
    return oldest === undefined ? 0 : Math.max(0, now - oldest) / 1e3;
  }

  /**
   * Resolves when the tracer has heard everything so far; what comes later does not hold it up.
   * @param patiently also while the tracer is left alone
   */
  caughtUp(patiently: boolean): Promise<void> {
    const upTo = this.#read + this.#journal.unread;
    return this.#until(() => {
      const [oldest = this.#read] = this.#inHand.values();
      return upTo <= oldest || this.#journal.depth === 0 || (!patiently && this.#circuit.state === 'open');
    });
  }

  /** Makes no call again, and resolves when what could be delivered at once has been. */
  drained(): Promise<void> {
    this.#circuit.stop();
    this.#lanes.stop();
    return this.#until(
      () =>
        this.#lanes.idle &&
        (!this.#circuit.lets || this.#journal.unread === 0 || this.#inHand.size >= MAX_IN_HAND),
    );
  }

  /** The journal gave up an event that was not read yet. */
  lose(event: ChainEvent): void {
    if (this.#settings.hears(event.chain)) this.stats.dropped += 1;
    this.#openBarriers();
  }

  /** An event is not to be delivered. If a call of it is under way, its run goes on when that is over. */
  skip(unwanted: ChainEvent): void {
    if (!this.#settings.hears(unwanted.chain)) return;
    this.stats.skipped += 1;
    const event = this.#lanes.remove(unwanted);
    if (event) this.#inHand.delete(event);
    this.#settings.again();
  }

  /**
   * Goes on with runs that wait, and takes up to `limit` events from the journal and hands them on.
   * @returns whether there is more that could be taken at once
   */
  pump(limit: number): boolean {
    if (this.#ended) return false;
    const { ok, failed, retried, dead } = this.stats;
    const began = performance.now();
    this.#lanes.goOn();
    const room = Math.min(limit, MAX_IN_HAND - this.#inHand.size);
    const events = room > 0 ? this.#journal.read(room) : [];
    for (const event of events) this.#take(event, this.#read++);
    const { stats } = this;
    if (stats.ok + stats.failed + stats.retried + stats.dead > ok + failed + retried + dead)
      this.#settings.took((performance.now() - began) / 1e3, this.#attributes);
    this.#openBarriers();
    this.#wasFull = this.#inHand.size >= MAX_IN_HAND;
    // Having given nothing, the journal says when there is something.
    return this.#lanes.ready || (!this.#wasFull && events.length > 0 && this.#journal.unread > 0);
  }

  /** Hands on what the tracer itself holds back. */
  async flush(milliseconds: number): Promise<void> {
    const { tracer, name } = this.#bound;
    await withDeadline(Promise.resolve(tracer.forceFlush?.()), milliseconds, `forceFlush of tracer ${name}`);
  }

  /**
   * Ends the tracer.
   * @param keeps whether the journal keeps what it has not heard; otherwise it never will
   */
  async shutdown(milliseconds: number, keeps: boolean): Promise<void> {
    const { depth, dead } = this.#journal;
    if (!keeps) this.stats.dropped += depth;
    this.#ended = { depth: keeps ? depth : 0, dead };
    this.#calls.abandon();
    this.#circuit.stop();
    this.#lanes.clear();
    this.#inHand.clear();
    this.#openBarriers();
    const { tracer, name } = this.#bound;
    await withDeadline(Promise.resolve(tracer.shutdown?.()), milliseconds, `shutdown of tracer ${name}`);
  }

  #take(event: ChainEvent, place: number): void {
    if (!this.#settings.hears(event.chain)) this.#journal.settle(event, 'unheard');
    else if (this.#lanes.take(event)) this.#inHand.set(event, place);
  }

  #attempted(event: ChainEvent, attempt: Attempt): void {
    const { outcome, delivery } = attempt;
    this.stats[outcome] += 1;
    if (outcome === 'retried') this.#journal.retry(event, delivery);
    else {
      this.#inHand.delete(event);
      this.#journal.settle(event, outcome, delivery);
    }
    this.#settings.attempted(event, attempt);
  }

  #turned(state: CircuitState): void {
    this.#settings.turned(state);
    if (state !== 'half_open') return;
    this.#lanes.goOn();
    this.#moved(undefined);
  }

  /** Something has changed: there may be room, and somebody may have waited for it. */
  #moved(late: Attempt | undefined): void {
    if (late) this.#settings.took(late.delivery.duration, this.#attributes);
    if (this.#wasFull && this.#inHand.size < MAX_IN_HAND) {
      this.#wasFull = false;
      this.#settings.again();
    }
    this.#openBarriers();
  }

  #until(open: () => boolean): Promise<void> {
    return new Promise((pass) => {
      this.#barriers.push({ open, pass });
      this.#openBarriers();
    });
  }

  #openBarriers(): void {
    if (this.#barriers.length === 0) return;
    this.#barriers = this.#barriers.filter(({ open, pass }) => {
      if (!this.#ended && !open()) return true;
      pass();
      return false;
    });
  }
}

/** Events a tracer may have in hand: what it cannot take stays in the journal, where it is bounded. */
const MAX_IN_HAND = 10_000;
