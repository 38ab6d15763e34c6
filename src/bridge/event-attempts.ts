import type { Delivery, JournalConsumer } from '../journal/journal.ts';
import { retryHints } from '../model/delivery-error.ts';
import type { ChainEvent } from '../model/event.ts';
import { waitBeforeNext } from './back-off.ts';
import type { CircuitBreaker, Sign } from './circuit-breaker.ts';
import type { DeliveryPolicy } from './delivery-policy.ts';
import { type Answer, type Failure, failureType, type TracerCalls } from './tracer-calls.ts';

/** One attempt at an event: its `trace` call, then its `run` call, as far as they are still due. */
export interface Attempt {
  /** What the journal keeps of it. */
  readonly delivery: Delivery;
  /** `retried`: it has failed and will be made again. `failed`: `run` answered `false`, and that is that. */
  readonly outcome: 'ok' | 'failed' | 'retried' | 'dead';
  /** Why it did not succeed. */
  readonly failure: Failure | undefined;
  /** Milliseconds until the next one, where it is `retried`. */
  readonly wait: number;
  /** Whether `trace` is due no more, since it has succeeded or failed for good. */
  readonly traced: boolean;
  /** Why `trace` has failed for good. */
  readonly lost: Failure | undefined;
  /** When the first attempt began, on the clock of `performance.now()`, which nobody sets. */
  readonly first: number;
}

/** While it is made. */
interface Underway {
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
  readonly journal: JournalConsumer;
  /** Whether an event whose call was under way is to be heard still. */
  wanted(event: ChainEvent): boolean;
}

/**
 * Makes attempts at events and judges them: what is made again and when, what is given up. A call that succeeded is not
 * made again. A tracer that answers at once costs two small objects and no promise.
 */
export class EventAttempts {
  readonly #settings: EventAttemptsSettings;

  constructor(settings: EventAttemptsSettings) {
    this.#settings = settings;
  }

  /**
   * Makes an attempt. Never throws or rejects.
   * @param before the attempt that this one repeats
   */
  make(event: ChainEvent, before: Attempt | undefined): Attempt | Promise<Attempt> {
    const attempt = this.#begin(event, before);
    if (attempt.traced) return this.#run(event, attempt);
    const answer = this.#settings.calls.trace(event);
    return answer instanceof Promise
      ? answer.then((late) => this.#traced(event, attempt, late, true))
      : this.#traced(event, attempt, answer, false);
  }

  #begin(event: ChainEvent, before: Attempt | undefined): Underway {
    const earlier = before ? before.delivery : this.#settings.journal.attemptsAt(event);
    const now = Date.now();
    const began = performance.now();
    // The clock may have been set back: what begins in the future would never have had its time.
    const since = earlier ? Math.min(earlier.since, now) : now;
    return {
      attempts: (earlier?.attempts ?? 0) + 1,
      since,
      began,
      turn: this.#settings.circuit.begin(),
      sign: 'nothing',
      retryAfter: 0,
      traced: before?.traced ?? false,
      lost: before?.lost,
      first: before?.first ?? began - (now - since),
    };
  }

  #traced(event: ChainEvent, attempt: Underway, answer: Answer, late: boolean): Attempt | Promise<Attempt> {
    const wait = this.#waitAfter(answer, attempt);
    if (typeof answer === 'object') {
      if (wait !== undefined) return this.#end(attempt, 'retried', answer, wait);
      attempt.lost = answer;
    }
    attempt.traced = true;
    // Later calls have nothing to do with a `trace` that is given up.
    return late && !this.#settings.wanted(event) ? this.#end(attempt, 'ok') : this.#run(event, attempt);
  }

  #run(event: ChainEvent, attempt: Underway): Attempt | Promise<Attempt> {
    const answer = this.#settings.calls.run(event);
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
    const { retry, retryFalse } = this.#settings.policy;
    const made = { attempts: attempt.attempts, since: attempt.first };
    if (answer.refused) return retryFalse ? waitBeforeNext(retry, made, 0) : undefined;
    const { permanent, retryAfter } = retryHints(answer.error);
    if (permanent) return undefined;
    attempt.sign = 'failed';
    attempt.retryAfter = retryAfter;
    return waitBeforeNext(retry, made, retryAfter);
  }

  #end(attempt: Underway, outcome: Attempt['outcome'], failure?: Failure, wait = 0): Attempt {
    const { attempts, since, began, turn, sign, retryAfter, traced, lost, first } = attempt;
    this.#settings.circuit.end(turn, sign, retryAfter);
    const duration = (performance.now() - began) / 1e3;
    const errorType = failure && failureType(failure);
    return {
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
