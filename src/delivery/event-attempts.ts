import type { Delivery, DeliveryReport } from '../journal/consumer.ts';
import { waitBeforeNext } from '../model/back-off.ts';
import type { Clock } from '../model/clock.ts';
import { retryHints } from '../model/delivery-error.ts';
import type { ChainEvent } from '../model/event.ts';
import type { CircuitBreaker, Sign } from './circuit-breaker.ts';
import type { DeliveryPolicy } from './delivery-policy.ts';
import { type Answer, type Failure, failureType, type TracerCalls } from './tracer-calls.ts';

/** One attempt at an event: its `trace` call, then its `run` call, unless they were made before. It is what the journal keeps. */
export interface Attempt extends DeliveryReport {
  readonly delivery: Delivery;
  /** `retried`: it has failed and will be made again. `failed`: `run` answered `false`, and that is that. */
  readonly outcome: 'ok' | 'failed' | 'retried' | 'dead';
  /** Why it did not succeed. */
  readonly failure: Failure | undefined;
  /** Milliseconds until the next one, where it is `retried`. */
  readonly wait: number;
  /** Whether `trace` is over: it has succeeded or failed for good. */
  readonly traced: boolean;
  /** Why `trace` has failed for good. */
  readonly lost: Failure | undefined;
  /** When the first attempt began, on {@link Clock.elapsed}. */
  readonly first: number;
}

/** What came of events that follow one another. */
export interface HeardRow {
  /** How many were heard at the first attempt and at once, and the seconds that each of them took, in the mean. */
  readonly heard: number;
  readonly seconds: number;
  /** The attempt at the one after these, if it has begun. */
  readonly next: Attempt | Promise<Attempt> | undefined;
}

const NO_ROW: HeardRow = { heard: 0, seconds: 0, next: undefined };
/** The events of a row at most, and the milliseconds that it may take: after one that took longer, each event has a row of its own again. */
const LONGEST_ROW = 16;
const QUICK = 0.2;

/** While it is made. */
interface Underway {
  readonly event: ChainEvent;
  readonly attempts: number;
  readonly since: number;
  readonly began: number;
  /** What the circuit breaker is to be told at the end: when it began, what the last call said of the tracer. */
  readonly turn: number;
  sign: Sign;
  /** Seconds that the last call asked to be left alone. */
  retryAfter: number;
  traced: boolean;
  lost: Failure | undefined;
  readonly first: number;
}

/** Where the attempts of one tracer are made. */
export interface EventAttemptsSettings {
  readonly calls: TracerCalls;
  readonly policy: DeliveryPolicy;
  readonly circuit: CircuitBreaker;
  readonly clock: Clock;
  /** Attempts that were made at an event before this process. */
  earlier(event: ChainEvent): Delivery | undefined;
  /** Whether an event whose call was under way is to be heard still. */
  wanted(event: ChainEvent): boolean;
}

/**
 * Makes attempts at events and judges them: what is made again and when, what is given up. A call that succeeded is not
 * made again. A tracer that answers well at once costs no object and no promise.
 */
export class EventAttempts {
  readonly #settings: EventAttemptsSettings;
  /** Where the next attempt follows at once: when the last one let go. */
  #letGo: number | undefined;
  /** How many events the next row may have. */
  #row = 1;

  constructor(settings: EventAttemptsSettings) {
    this.#settings = settings;
  }

  /** Attempts that are made in here follow one another at once: the clock is looked at once for each, not twice. */
  inARow(work: () => void): void {
    this.#letGo = this.#settings.clock.elapsed();
    try {
      work();
    } finally {
      this.#letGo = undefined;
    }
  }

  /**
   * Makes an attempt. Never throws or rejects.
   * @param before the attempt that this one repeats
   * @returns the seconds that it took where it is the first one at the event and has succeeded at once
   */
  make(event: ChainEvent, before: Attempt | undefined): Attempt | Promise<Attempt> | number {
    const { calls, clock, circuit } = this.#settings;
    const began = this.#letGo ?? clock.elapsed();
    const turn = circuit.begin();
    const earlier = before ? before.delivery : this.#settings.earlier(event);
    if (before?.traced) return this.#run(this.#begin(event, before, earlier, began, turn));
    const traced = calls.trace(event, earlier !== undefined);
    const ran = earlier || typeof traced === 'object' ? undefined : calls.run(event);
    if (ran === undefined || typeof ran === 'object')
      return this.#goOn(this.#begin(event, before, earlier, began, turn), traced, ran);
    circuit.end(turn, traced === 'answered' || ran === 'answered' ? 'answered' : 'nothing', 0);
    return this.#since(began) / 1e3;
  }

  /**
   * Makes the first attempts at events that follow one another, as long as each succeeds at once. Where that is quick, the clock is
   * looked at once for all of them. Never throws or rejects.
   * @param wanted whether an event is to be heard now; the row ends before one that is not
   */
  makeRow(events: readonly ChainEvent[], from: number, wanted: (event: ChainEvent) => boolean): HeardRow {
    const { calls, clock, circuit } = this.#settings;
    if (circuit.state !== 'closed') return NO_ROW;
    const began = this.#letGo ?? clock.elapsed();
    const turn = circuit.begin();
    const end = Math.min(events.length, from + this.#row);
    let sign: Sign = 'nothing';
    let next: HeardRow['next'];
    let heard = 0;
    for (let at = from; at < end; at += 1) {
      const event = events[at] as ChainEvent;
      if (!wanted(event)) break;
      const traced = calls.trace(event, false);
      const ran = typeof traced === 'object' ? undefined : calls.run(event);
      if (ran === undefined || typeof ran === 'object') {
        if (heard > 0) circuit.end(turn, sign, 0);
        next = this.#goOn(this.#begin(event, undefined, undefined, began, turn), traced, ran);
        break;
      }
      if (traced === 'answered' || ran === 'answered') sign = 'answered';
      heard += 1;
    }
    if (heard === 0) return next ? { heard, seconds: 0, next } : NO_ROW;
    if (!next) circuit.end(turn, sign, 0);
    const took = this.#since(began);
    this.#row = next || took > QUICK ? 1 : Math.min(2 * this.#row, LONGEST_ROW);
    return { heard, seconds: took / 1e3 / heard, next };
  }

  /** Milliseconds since an attempt began that has ended now. */
  #since(began: number): number {
    const ended = this.#settings.clock.elapsed();
    if (this.#letGo !== undefined) this.#letGo = ended;
    return ended - began;
  }

  /** Goes on with an attempt that has not succeeded at once. @param ran undefined: that call is not made yet */
  #goOn(
    attempt: Underway,
    traced: Answer | Promise<Answer>,
    ran: Answer | Promise<Answer> | undefined,
  ): Attempt | Promise<Attempt> {
    if (ran === undefined)
      return traced instanceof Promise
        ? traced.then((late) => this.#traced(attempt, late, true))
        : this.#traced(attempt, traced, false);
    attempt.traced = true;
    if (traced === 'answered') attempt.sign = 'answered';
    return ran instanceof Promise ? ran.then((late) => this.#ran(attempt, late)) : this.#ran(attempt, ran);
  }

  #begin(
    event: ChainEvent,
    before: Attempt | undefined,
    earlier: Delivery | undefined,
    began: number,
    turn: number,
  ): Underway {
    const { clock } = this.#settings;
    const now = clock.now() - Math.round(clock.elapsed() - began);
    // The clock may have been set back: what begins in the future would never have had its time.
    const since = earlier ? Math.min(earlier.since, now) : now;
    return {
      event,
      attempts: (earlier?.attempts ?? 0) + 1,
      since,
      began,
      turn,
      sign: 'nothing',
      retryAfter: 0,
      traced: before?.traced ?? false,
      lost: before?.lost,
      first: before?.first ?? began - (now - since),
    };
  }

  #traced(attempt: Underway, answer: Answer, late: boolean): Attempt | Promise<Attempt> {
    const wait = this.#waitAfter(answer, attempt);
    if (typeof answer === 'object') {
      if (wait !== undefined) return this.#end(attempt, 'retried', answer, wait);
      attempt.lost = answer;
    }
    attempt.traced = true;
    // Later calls have nothing to do with a `trace` that is given up.
    return late && !this.#settings.wanted(attempt.event) ? this.#end(attempt, 'ok') : this.#run(attempt);
  }

  #run(attempt: Underway): Attempt | Promise<Attempt> {
    const answer = this.#settings.calls.run(attempt.event);
    return answer instanceof Promise
      ? answer.then((late) => this.#ran(attempt, late))
      : this.#ran(attempt, answer);
  }

  #ran(attempt: Underway, answer: Answer): Attempt {
    const wait = this.#waitAfter(answer, attempt);
    if (typeof answer === 'object' && wait !== undefined) return this.#end(attempt, 'retried', answer, wait);
    const failure = attempt.lost ?? (typeof answer === 'object' ? answer : undefined);
    if (!failure) return this.#end(attempt, 'ok');
    const final = failure.refused && !this.#settings.policy.retryFalse;
    return this.#end(attempt, final ? 'failed' : 'dead', failure);
  }

  /** Takes note of an answer: in how many milliseconds its call is to be made again, if it is. */
  #waitAfter(answer: Answer, attempt: Underway): number | undefined {
    if (answer === 'not_due') return undefined;
    attempt.sign = 'answered';
    attempt.retryAfter = 0;
    if (answer === 'answered') return undefined;
    const { clock, policy } = this.#settings;
    const { retry, retryFalse } = policy;
    const made = { attempts: attempt.attempts, since: attempt.first };
    if (answer.refused) return retryFalse ? waitBeforeNext(retry, made, 0, clock) : undefined;
    const { permanent, retryAfter } = retryHints(answer.error);
    if (permanent && !answer.shared) return undefined;
    attempt.sign = 'failed';
    attempt.retryAfter = retryAfter;
    const wait = waitBeforeNext(retry, made, retryAfter, clock);
    // Whoever was in a batch that failed is called alone once, whatever the limit: it may have had no part in it.
    return answer.shared ? (wait ?? 0) : wait;
  }

  #end(attempt: Underway, outcome: Attempt['outcome'], failure?: Failure, wait = 0): Attempt {
    const { event, attempts, since, began, turn, sign, retryAfter, traced, lost, first } = attempt;
    this.#settings.circuit.end(turn, sign, retryAfter);
    const duration = this.#since(began) / 1e3;
    const errorType = failure && failureType(failure);
    return {
      event,
      delivery: { attempts, since, duration, errorType },
      outcome,
      failure,
      wait,
      traced,
      lost,
      first,
    };
  }
}
