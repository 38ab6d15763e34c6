import type { Attributes } from '@opentelemetry/api';
import type { JournalConsumer } from '../journal/journal.ts';
import { withDeadline } from '../model/deadline.ts';
import type { ChainEvent } from '../model/event.ts';
import { ATTR } from '../model/semconv.ts';
import type { BoundTracer } from './create-tracer.ts';
import { type Answer, type CallCounts, type Failure, TracerCalls } from './tracer-calls.ts';

/** What a worker counts. */
export interface TracerStats extends CallCounts {
  /** Events delivered. */
  ok: number;
  /** Events of which a call threw, rejected, took too long or returned `false`. */
  failed: number;
  /** Events given up, because the tracer lagged too far behind or the process ended. */
  dropped: number;
}

export interface TracerWorkerSettings {
  /** Runs that may be in the tracer's hands at once. */
  readonly concurrency: number;
  /** Milliseconds a single call may take. */
  readonly timeout: number;
  /** Whether the tracer is to hear this chain. */
  hears(chain: string): boolean;
  /** Told of the end of each delivery. */
  settled(event: ChainEvent, failure: Failure | undefined): void;
  /** Told, in seconds, how long the tracer took. */
  took(seconds: number, tracer: Attributes): void;
  /** Told when there is room for more, after there was none. */
  roomAgain(): void;
}

/**
 * Lets one tracer hear events: those of a run one after the other, whatever each call's latency; runs beside each other.
 */
export class TracerWorker {
  readonly stats: TracerStats = { trace: 0, run: 0, ok: 0, failed: 0, dropped: 0 };
  readonly #bound: BoundTracer;
  readonly #journal: JournalConsumer;
  readonly #settings: TracerWorkerSettings;
  readonly #calls: TracerCalls;
  readonly #attributes: Attributes;
  /** Per run that is in the tracer's hands: what it is to hear next. */
  readonly #lanes = new Map<string, ChainEvent[]>();
  /** Runs whose turn has not come, oldest first. */
  readonly #waiting = new Set<string>();
  /** Events not answered yet, each with its place in what was read, oldest first. */
  readonly #inHand = new Map<ChainEvent, number>();
  /** Events that were read, or lost before they could be. */
  #read = 0;
  #active = 0;
  #wasFull = false;
  #ended = false;
  #barriers: { readonly upTo: number; readonly pass: () => void }[] = [];

  constructor(bound: BoundTracer, journal: JournalConsumer, settings: TracerWorkerSettings) {
    this.#bound = bound;
    this.#journal = journal;
    this.#settings = settings;
    this.#calls = new TracerCalls(bound, settings.timeout, this.stats);
    this.#attributes = { [ATTR.tracerName]: bound.name };
  }

  get name(): string {
    return this.#bound.name;
  }

  get failClosed(): boolean {
    return this.#bound.failClosed;
  }

  hears(chain: string): boolean {
    return this.#settings.hears(chain);
  }

  /** Events still to be heard. */
  get depth(): number {
    return this.#ended ? 0 : this.#journal.depth;
  }

  /** Age in seconds of the oldest event still to be heard; 0 if there is none. */
  oldestAge(now: number): number {
    const [oldest = this.#journal.oldestUnread] = this.#inHand.keys();
    return oldest && !this.#ended ? Math.max(0, now - oldest.time) / 1e3 : 0;
  }

  /** Resolves when the tracer has heard everything so far; what comes later does not hold it up. */
  caughtUp(): Promise<void> {
    return new Promise((pass) => {
      this.#barriers.push({ upTo: this.#read + this.#journal.unread, pass });
      this.#openBarriers();
    });
  }

  /** The journal gave up an event that was not read yet. */
  lose(event: ChainEvent): void {
    this.#read += 1;
    if (this.#settings.hears(event.chain)) this.stats.dropped += 1;
    this.#openBarriers();
  }

  /**
   * Takes up to `limit` events from the journal and hands them on.
   * @returns whether there is more that could be taken at once
   */
  pump(limit: number): boolean {
    const room = Math.min(limit, MAX_IN_HAND - this.#inHand.size);
    const events = room > 0 ? this.#journal.read(room) : [];
    const answered = this.stats.ok + this.stats.failed;
    const began = performance.now();
    for (const event of events) this.#take(event, this.#read++);
    if (this.stats.ok + this.stats.failed > answered)
      this.#settings.took((performance.now() - began) / 1e3, this.#attributes);
    this.#openBarriers();
    this.#wasFull = this.#inHand.size >= MAX_IN_HAND;
    return !this.#wasFull && this.#journal.unread > 0;
  }

  /** Hands on what the tracer itself holds back. */
  async flush(milliseconds: number): Promise<void> {
    const { tracer, name } = this.#bound;
    await withDeadline(Promise.resolve(tracer.forceFlush?.()), milliseconds, `forceFlush of tracer ${name}`);
  }

  /** Ends the tracer; what it has not heard by now it never will. */
  async shutdown(milliseconds: number): Promise<void> {
    this.stats.dropped += this.depth;
    this.#ended = true;
    this.#calls.abandon();
    this.#lanes.clear();
    this.#waiting.clear();
    this.#inHand.clear();
    this.#openBarriers();
    const { tracer, name } = this.#bound;
    await withDeadline(Promise.resolve(tracer.shutdown?.()), milliseconds, `shutdown of tracer ${name}`);
  }

  #take(event: ChainEvent, place: number): void {
    if (!this.#settings.hears(event.chain)) {
      this.#journal.done(event);
      return;
    }
    const lane = this.#lanes.get(event.runId);
    if (lane) {
      lane.push(event);
      this.#inHand.set(event, place);
    } else if (this.#active >= this.#settings.concurrency) {
      this.#lanes.set(event.runId, [event]);
      this.#waiting.add(event.runId);
      this.#inHand.set(event, place);
    } else {
      const pending = this.#deliver(event);
      if (!pending) return;
      this.#lanes.set(event.runId, []);
      this.#inHand.set(event, place);
      this.#active += 1;
      void pending.then(() => this.#proceed(event.runId, event));
    }
  }

  /** Goes on with a run after one of its events. */
  #proceed(runId: string, heard: ChainEvent | undefined): void {
    if (this.#ended) return;
    if (heard) this.#inHand.delete(heard);
    this.#openBarriers();
    const lane = this.#lanes.get(runId) ?? [];
    for (let event = lane.shift(); event; event = lane.shift()) {
      const pending = this.#deliver(event);
      if (pending) {
        const current = event;
        void pending.then(() => this.#proceed(runId, current));
        return;
      }
      this.#inHand.delete(event);
    }
    this.#lanes.delete(runId);
    this.#active -= 1;
    this.#startWaiting();
    if (this.#wasFull && this.#inHand.size < MAX_IN_HAND) {
      this.#wasFull = false;
      this.#settings.roomAgain();
    }
    this.#openBarriers();
  }

  #startWaiting(): void {
    const [runId] = this.#waiting;
    if (runId === undefined) return;
    this.#waiting.delete(runId);
    this.#active += 1;
    // Not from here: a long queue of runs that are answered at once would nest as deep as it is long.
    queueMicrotask(() => this.#proceed(runId, undefined));
  }

  /** Makes the calls of an event. Nothing is allocated for a tracer that answers at once. */
  #deliver(event: ChainEvent): Promise<void> | undefined {
    const traced = this.#calls.trace(event);
    if (traced instanceof Promise) return this.#finish(event, traced);
    const ran = this.#calls.run(event);
    if (ran instanceof Promise) return this.#finish(event, traced, ran);
    this.#settle(event, traced ?? ran);
    return undefined;
  }

  async #finish(event: ChainEvent, traced: Answer | Promise<Answer>, ran?: Promise<Answer>): Promise<void> {
    const began = performance.now();
    const first = await traced;
    const second = await (ran ?? this.#calls.run(event));
    this.#settings.took((performance.now() - began) / 1e3, this.#attributes);
    this.#settle(event, first ?? second);
  }

  #settle(event: ChainEvent, failure: Answer): void {
    if (this.#ended) return;
    this.#journal.done(event);
    this.stats[failure ? 'failed' : 'ok'] += 1;
    this.#settings.settled(event, failure);
  }

  #openBarriers(): void {
    if (this.#barriers.length === 0) return;
    const [oldest = this.#read] = this.#inHand.values();
    this.#barriers = this.#barriers.filter(({ upTo, pass }) => {
      if (upTo > oldest) return true;
      pass();
      return false;
    });
  }
}

/** Events a tracer may have in hand: what it cannot take stays in the journal, where it is bounded. */
const MAX_IN_HAND = 4_096;
