import type { Attributes } from '@opentelemetry/api';
import type { Consumer, ConsumerCounts, ReadBatch } from '../journal/consumer.ts';
import type { ChainEvent } from '../model/event.ts';
import { ATTR } from '../model/semconv.ts';
import { Barriers } from './barriers.ts';
import type { BoundTracer } from './bound-tracer.ts';
import { CircuitBreaker, type CircuitState } from './circuit-breaker.ts';
import { type Attempt, EventAttempts, type HeardRow } from './event-attempts.ts';
import { InHand } from './in-hand.ts';
import { RunQueues } from './run-queues.ts';
import { MAX_UNSETTLED, Subscription, TURN } from './subscription.ts';
import { TracerCalls } from './tracer-calls.ts';
import { attemptsIn, noStats, type TracerStats } from './tracer-stats.ts';
import type { Remains, TracerWorkerSettings } from './tracer-worker-settings.ts';

/** Delivers events to one tracer, at its own pace, and reports to the journal what became of them. */
export class TracerWorker {
  readonly stats: TracerStats;
  readonly #bound: BoundTracer;
  readonly #settings: TracerWorkerSettings;
  readonly #calls: TracerCalls;
  readonly #circuit: CircuitBreaker;
  readonly #attributes: Attributes;
  readonly #attempts: EventAttempts;
  readonly #queues: RunQueues;
  readonly #subscription: Subscription;
  readonly #inHand: InHand;
  #isResting = false;
  #wasFull = false;
  /** When its turn began, on the clock's `elapsed`, and how many events it may then read at once. */
  #turnBegan = 0;
  #limit = 0;
  /** Its counts at the end. */
  #ended: { readonly depth: number; readonly dead: number } | undefined;
  /** Callers that pass may look at the counts, which needs the reports to be sent. */
  readonly #barriers = new Barriers(() => this.report());

  /** @param remains of the worker before it, which hears nothing more */
  constructor(bound: BoundTracer, settings: TracerWorkerSettings, remains?: Remains) {
    const { clock } = settings;
    this.#bound = bound;
    this.#settings = settings;
    this.stats = remains?.stats ?? noStats();
    this.#inHand = remains?.inHand ?? new InHand();
    this.#calls = new TracerCalls(bound, this.stats, settings);
    this.#circuit = new CircuitBreaker(bound.delivery, clock, (state) => this.#turned(state));
    this.#attempts = new EventAttempts({
      ...{ calls: this.#calls, policy: bound.delivery, circuit: this.#circuit, clock },
      earlier: (event) => this.#inHand.earlier(event),
      wanted: (event) => this.#inHand.has(event),
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
    if (!remains) return;
    this.#queues.adopt(remains.queues);
    this.#subscription.counted(remains.counts);
    if (remains.consumer) this.#subscription.attach(remains.consumer);
  }

  get name(): string {
    return this.#bound.name;
  }

  get failClosed(): boolean {
    return this.#bound.failClosed;
  }

  /** Milliseconds that a chain waits for it at a step; 0: without end. */
  get chainWait(): number {
    return this.#bound.delivery.chainWait;
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
    const oldest = this.#inHand.oldest?.time ?? this.#subscription.counts.oldestUnread;
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
    const stands = () => !patiently && this.#circuit.state === 'open';
    return this.#barriers.until(() => upTo <= this.#inHand.settledUpTo || this.depth === 0 || stands());
  }

  /** Stops retrying, and resolves when everything that can be delivered at once has been. */
  drained(): Promise<void> {
    this.#circuit.stop();
    this.#queues.stop();
    return this.#barriers.until(
      () =>
        this.#isResting ||
        (this.#queues.idle &&
          !this.#subscription.isReading &&
          (!this.#circuit.lets ||
            this.#subscription.counts.unread === 0 ||
            this.#inHand.size >= MAX_UNSETTLED)),
    );
  }

  /**
   * Begins no call any more, lets those under way come to their ends, which their deadlines see to, and ends the tracer. What it has not
   * heard is for the next worker, see {@link remains}.
   * @param milliseconds that ending it may take
   */
  async rest(milliseconds: number): Promise<void> {
    this.#isResting = true;
    this.#queues.halt();
    this.#circuit.stop();
    this.#barriers.check();
    await this.#barriers.until(() => !this.#queues.calling && !this.#subscription.isReading);
    await this.#calls.inTime('shutdown', milliseconds);
  }

  /** What is left when it {@link rest}s. It hears nothing more. */
  remains(): Remains {
    const { consumer, counts } = this.#subscription;
    this.#subscription.end();
    this.#ended = { depth: 0, dead: counts.dead };
    this.#barriers.release();
    return { stats: this.stats, consumer, counts, queues: this.#queues.release(), inHand: this.#inHand };
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
    if (event) this.#inHand.letGo(event);
    this.#settings.again();
  }

  /** Goes on with waiting runs, and reads up to `limit` more events if there are any. */
  pump(limit: number): void {
    if (this.#ended || this.#isResting) return;
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
    const room = this.#isResting ? 0 : Math.min(this.#limit, MAX_UNSETTLED - this.#inHand.size);
    this.#wasFull = room <= 0;
    return room;
  }

  /** Sends queued reports to the journal. */
  report(): void {
    this.#subscription.flush();
  }

  /** Flushes what the tracer itself buffers. */
  async flush(milliseconds: number): Promise<void> {
    await this.#calls.inTime('forceFlush', milliseconds);
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
    this.#inHand.clear();
    this.#barriers.release();
    if (!this.#isResting) await this.#calls.inTime('shutdown', milliseconds);
  }

  #take({ events, attempted }: ReadBatch): void {
    this.#inHand.tried(attempted);
    this.#timed(() => {
      for (let at = 0; at < events.length; ) at = this.#deliverFrom(events, at);
    });
    this.#barriers.check();
    // What is left is not durable yet, and the journal says when it is.
    const isOver = events.length === 0 || this.#settings.clock.elapsed() - this.#turnBegan > TURN;
    const room = isOver ? 0 : this.#room();
    if (room > 0) this.#subscription.readOn(room);
  }

  /** Delivers the next event, and with it what follows and is heard at once. @returns the place of the first that is left */
  #deliverFrom(events: readonly ChainEvent[], from: number): number {
    const wanted = ({ chain }: ChainEvent) => !this.#isResting && this.#settings.hears(chain);
    const row = this.#inHand.isNew ? this.#queues.takeRow(events, from, wanted) : undefined;
    const end = from + (row?.heard ?? 0);
    this.#inHand.passed(end - from);
    if (end > from && !row?.next) return end;
    this.#deliver(events[end] as ChainEvent, this.#inHand.read(), row?.next);
    return end + 1;
  }

  #deliver(event: ChainEvent, number: number, begun: HeardRow['next']): void {
    if (!this.#settings.hears(event.chain)) {
      this.#subscription.report({ event, outcome: 'unheard', delivery: undefined });
      this.#settings.unheard(event);
    } else if (this.#queues.take(event, begun)) this.#inHand.keep(event, number);
  }

  #attempted(attempt: Attempt): void {
    const { event, outcome } = attempt;
    this.stats.took += attempt.delivery.duration;
    this.stats[outcome === 'failed' ? 'dead' : outcome] += 1;
    if (outcome !== 'retried') this.#inHand.letGo(event);
    this.#subscription.report(attempt);
    this.#settings.attempted(attempt);
  }

  #heard(event: ChainEvent, seconds: number): void {
    this.stats.ok += 1;
    this.stats.took += seconds;
    if (this.#inHand.size > 0) this.#inHand.letGo(event);
    this.#subscription.heard(event, seconds);
    this.#settings.heard(event);
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
    if (this.#wasFull && this.#inHand.size < MAX_UNSETTLED) {
      this.#wasFull = false;
      this.#settings.again();
    }
    this.#barriers.check();
  }
}
