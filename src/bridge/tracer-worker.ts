import type { Attributes } from '@opentelemetry/api';
import type { JournalConsumer } from '../journal/journal.ts';
import { withDeadline } from '../model/deadline.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import { type ChainEvent, eventName } from '../model/event.ts';
import { ATTR } from '../model/semconv.ts';
import type { BoundTracer } from './create-tracer.ts';

/** What a worker counts. */
export interface TracerStats {
  /** `trace` calls that were answered. */
  trace: number;
  /** `run` calls that were answered. */
  run: number;
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

/** Why a delivery did not succeed; `refused` is a `run` that answered `false`. */
export type Failure = { readonly refused: true } | { readonly refused: false; readonly error: unknown };

type Answer = Failure | undefined;

const REFUSED: Failure = { refused: true };

/**
 * Calls one tracer: the events of a run one after the other, whatever each call's latency; runs beside each
 * other. What the tracer does – throw, reject, hang, answer `false` – ends here.
 */
export class TracerWorker {
  readonly stats: TracerStats = { trace: 0, run: 0, ok: 0, failed: 0, dropped: 0 };
  readonly #bound: BoundTracer;
  readonly #journal: JournalConsumer;
  readonly #settings: TracerWorkerSettings;
  readonly #attributes: Attributes;
  /** Per run that is in the tracer's hands: what it is to hear next. */
  readonly #lanes = new Map<string, ChainEvent[]>();
  /** Runs whose turn has not come, oldest first. */
  readonly #waiting = new Set<string>();
  readonly #inHand = new Set<ChainEvent>();
  #active = 0;
  #wasFull = false;
  #ended = false;
  #onIdle: (() => void)[] = [];

  constructor(bound: BoundTracer, journal: JournalConsumer, settings: TracerWorkerSettings) {
    this.#bound = bound;
    this.#journal = journal;
    this.#settings = settings;
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
    const [oldest = this.#journal.oldestUnread] = this.#inHand;
    return oldest && !this.#ended ? Math.max(0, now - oldest.time) / 1e3 : 0;
  }

  /** Resolves when there is nothing left to be heard. */
  idle(): Promise<void> {
    if (this.depth === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
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
    for (const event of events) this.#take(event);
    if (this.stats.ok + this.stats.failed > answered)
      this.#settings.took((performance.now() - began) / 1e3, this.#attributes);
    if (this.depth === 0) this.#wake();
    this.#wasFull = this.#inHand.size >= MAX_IN_HAND;
    return !this.#wasFull && this.#journal.oldestUnread !== undefined;
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
    const { tracer, name } = this.#bound;
    await withDeadline(Promise.resolve(tracer.shutdown?.()), milliseconds, `shutdown of tracer ${name}`);
  }

  #take(event: ChainEvent): void {
    if (!this.#settings.hears(event.chain)) {
      this.#journal.done(event);
      return;
    }
    const lane = this.#lanes.get(event.runId);
    if (lane) {
      lane.push(event);
      this.#inHand.add(event);
    } else if (this.#active >= this.#settings.concurrency) {
      this.#lanes.set(event.runId, [event]);
      this.#waiting.add(event.runId);
      this.#inHand.add(event);
    } else {
      const pending = this.#deliver(event);
      if (!pending) return;
      this.#lanes.set(event.runId, []);
      this.#inHand.add(event);
      this.#active += 1;
      void pending.then(() => this.#proceed(event.runId, event));
    }
  }

  /** Goes on with a run after one of its events. */
  #proceed(runId: string, heard: ChainEvent | undefined): void {
    if (this.#ended) return;
    if (heard) this.#inHand.delete(heard);
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
    if (this.depth === 0) this.#wake();
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
    const traced = this.#callTrace(event);
    if (traced instanceof Promise) return this.#finish(event, traced);
    const ran = this.#callRun(event);
    if (ran instanceof Promise) return this.#finish(event, traced, ran);
    this.#settle(event, traced ?? ran);
    return undefined;
  }

  async #finish(event: ChainEvent, traced: Answer | Promise<Answer>, ran?: Promise<Answer>): Promise<void> {
    const began = performance.now();
    const first = await traced;
    const second = await (ran ?? this.#callRun(event));
    this.#settings.took((performance.now() - began) / 1e3, this.#attributes);
    this.#settle(event, first ?? second);
  }

  #callTrace(event: ChainEvent): Answer | Promise<Answer> {
    const { tracer, options } = this.#bound;
    if (!tracer.trace) return undefined;
    try {
      const answer = tracer.trace(event.outVconUuid, eventName(event), options, event);
      if (isThenable(answer)) return this.#inTime(answer, 'trace');
      this.stats.trace += 1;
      return undefined;
    } catch (error) {
      return { refused: false, error };
    }
  }

  #callRun(event: ChainEvent): Answer | Promise<Answer> {
    const { tracer, options, name } = this.#bound;
    const index = tracer.run && this.#runIndex(event);
    if (!tracer.run || index === undefined) return undefined;
    const { inVconUuid, outVconUuid, links } = event;
    try {
      const answer = tracer.run(inVconUuid, outVconUuid, name, links, index, options, event);
      if (isThenable(answer)) return this.#inTime(answer, 'run');
      if (answer === false) return REFUSED;
      this.stats.run += 1;
      return undefined;
    } catch (error) {
      return { refused: false, error };
    }
  }

  /** The `link_index` of the `run` call that follows an event, if one does (the table in DESIGN §4). */
  #runIndex(event: ChainEvent): number | undefined {
    if (event.stage === 'link') return event.phase === 'complete' ? event.linkIndex : undefined;
    if (event.stage === 'storage' || event.phase === 'error') return undefined;
    if (event.phase === 'complete') return this.#bound.completion ? event.links.length : undefined;
    return event.links.length > 0 || event.inferred.includes('links') ? -1 : undefined;
  }

  #inTime(answer: PromiseLike<unknown>, call: 'trace' | 'run'): Promise<Answer> {
    return withDeadline(answer, this.#settings.timeout, `${call} of tracer ${this.name}`).then(
      (value) => {
        if (call === 'run' && value === false) return REFUSED;
        this.stats[call] += 1;
        return undefined;
      },
      (error: unknown) => ({ refused: false, error }),
    );
  }

  #settle(event: ChainEvent, failure: Answer): void {
    if (this.#ended) return;
    this.#journal.done(event);
    this.stats[failure ? 'failed' : 'ok'] += 1;
    this.#settings.settled(event, failure);
  }

  #wake(): void {
    for (const wake of this.#onIdle.splice(0)) wake();
  }
}

/** Events a tracer may have in hand: what it cannot take stays in the journal, where it is bounded. */
const MAX_IN_HAND = 4_096;

/** The error of a failed delivery, in words that hold nothing of the tracer's own message. */
export function deliveryError(tracer: string, failure: Failure): VconOtelError {
  const reason = failure.refused ? 'returned false' : errorType(failure.error);
  return new VconOtelError(
    'TRACER_FAILED',
    `tracer ${tracer} failed: ${reason}`,
    failure.refused ? {} : { cause: failure.error },
  );
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
