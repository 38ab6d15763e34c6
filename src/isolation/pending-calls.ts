import type { Clock } from '../model/clock.ts';
import { VconOtelError } from '../model/error.ts';
import type { ChainEvent } from '../model/event.ts';
import { type Call, encodeCalls } from './call-batch.ts';
import type { Failed, FromThread } from './messages.ts';
import { MAX_CALL, SharedState } from './shared-state.ts';
import { namedError } from './told.ts';

interface Pending {
  readonly call: Call;
  /** When it was asked for, on a clock that nobody sets. */
  readonly since: number;
  readonly promise: PromiseWithResolvers<unknown>;
}

export interface PendingCallsSettings {
  /** How many calls there may be at once. */
  readonly most: number;
  /** Milliseconds that a call waits for the thread to be there; then the time begins that it may take. */
  readonly timeout: number;
  readonly clock: Pick<Clock, 'elapsed' | 'after'>;
}

/** Calls that are not answered: those that wait for the thread, and those that are in its hands. */
export class PendingCalls {
  readonly shared: SharedState;
  readonly #timeout: number;
  readonly #clock: PendingCallsSettings['clock'];
  /** The oldest first. */
  readonly #waiting = new Set<Pending>();
  readonly #sent = new Map<number, Pending>();
  #last = 0;
  #isExpiryDue = false;

  constructor({ most, timeout, clock }: PendingCallsSettings) {
    this.shared = new SharedState(2 * most);
    this.#timeout = timeout;
    this.#clock = clock;
  }

  /** Whether some wait to be sent. */
  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  get areUnderWay(): boolean {
    return this.#sent.size > 0 || this.isWaiting;
  }

  /** Resolves to what the call does; in the case of a `traceBatch` to a list only where it was not answered for all of its events. */
  add(events: readonly ChainEvent[], runIndex?: number): Promise<unknown> {
    this.#last = (this.#last + 1) % MAX_CALL;
    const promise = Promise.withResolvers<unknown>();
    this.#waiting.add({ call: { id: this.#last, runIndex, events }, since: this.#clock.elapsed(), promise });
    this.#expireLater();
    return promise.promise;
  }

  /** All that wait, for one message. */
  send(): string {
    const calls = [...this.#waiting];
    this.#waiting.clear();
    for (const pending of calls) this.#sent.set(pending.call.id, pending);
    return encodeCalls(calls.map(({ call }) => call));
  }

  answered({ answered, refused, failed, apart }: Extract<FromThread, { is: 'answers' }>): void {
    for (const id of answered) this.#take(id)?.resolve(true);
    for (const id of refused) this.#take(id)?.resolve(false);
    for (const [id, failure] of failed) this.#take(id)?.reject(failureOf(failure));
    for (const [id, events] of apart) this.#take(id)?.resolve(events.map(resultOf));
  }

  /** The thread has ended: what it has answered counts, whether or not it could say so. */
  lost(why: () => Error): void {
    for (const [id, { promise }] of this.#sent) {
      const answer = this.shared.answerOf(id);
      if (answer === 'answered' || answer === 'refused') promise.resolve(answer === 'answered');
      else promise.reject(why());
    }
    this.#sent.clear();
  }

  /** Nothing will be sent any more. */
  refuse(why: () => Error): void {
    for (const { promise } of this.#waiting) promise.reject(why());
    this.#waiting.clear();
  }

  #expireLater(): void {
    if (this.#isExpiryDue) return;
    this.#isExpiryDue = true;
    this.#clock.after(this.#timeout, () => this.#expire(), 'background');
  }

  #expire(): void {
    this.#isExpiryDue = false;
    const late = this.#clock.elapsed() - this.#timeout;
    for (const pending of this.#waiting) {
      if (pending.since > late) break;
      this.#waiting.delete(pending);
      pending.promise.reject(new VconOtelError('TIMEOUT', 'the thread of the tracer is not there'));
    }
    if (this.isWaiting) this.#expireLater();
  }

  #take(id: number): PromiseWithResolvers<unknown> | undefined {
    const pending = this.#sent.get(id);
    this.#sent.delete(id);
    return pending?.promise;
  }
}

function resultOf(failed: Failed | null): PromiseSettledResult<unknown> {
  return failed
    ? { status: 'rejected', reason: failureOf(failed) }
    : { status: 'fulfilled', value: undefined };
}

function failureOf({ type, permanent, retryAfter }: Failed): Error {
  return Object.assign(namedError(type), { permanent, retryAfter });
}
