import { errorType, VconOtelError } from '../model/error.ts';
import { type ChainEvent, eventName } from '../model/event.ts';
import type { BoundTracer } from './create-tracer.ts';

/** Why a call did not succeed; `refused` is a `run` that answered `false`. */
export type Failure = { readonly refused: true } | { readonly refused: false; readonly error: unknown };

/** What came of a call; `not_due` where the tracer does not have it or the event does not ask for it. */
export type Answer = Failure | 'answered' | 'not_due';

/** The two documented calls. */
export type Call = 'trace' | 'run';

/** Calls that were answered well. */
export interface CallCounts {
  trace: number;
  run: number;
}

/** Told of each call that was answered well, and after how many seconds. */
export type Completed = (tracer: string, call: Call, event: ChainEvent, seconds: number) => void;

const REFUSED: Failure = { refused: true };

/**
 * The calls of one tracer. What the tracer does in them – throw, reject, hang, answer `false` – ends here, as a value. A
 * tracer that answers at once costs no promise and no timer.
 */
export class TracerCalls {
  readonly #bound: BoundTracer;
  readonly #made: CallCounts;
  readonly #completed: Completed | undefined;
  readonly #timers = new Set<NodeJS.Timeout>();

  /** @param made counts the calls that were answered well */
  constructor(bound: BoundTracer, made: CallCounts, completed?: Completed) {
    this.#bound = bound;
    this.#made = made;
    this.#completed = completed;
  }

  /** Lets go of calls under way: one that hangs must not keep the process alive. */
  abandon(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  /** The documented `trace` call of an event. Never throws or rejects. */
  trace(event: ChainEvent): Answer | Promise<Answer> {
    const { tracer, options } = this.#bound;
    const began = this.#completed ? performance.now() : 0;
    try {
      if (!tracer.trace) return 'not_due';
      const answer = tracer.trace(event.outVconUuid, eventName(event), options, event);
      if (isThenable(answer)) return this.#inTime(answer, 'trace', event, began);
      return this.#answered('trace', event, began);
    } catch (error) {
      return { refused: false, error };
    }
  }

  /** The documented `run` call that follows an event, if one does. Never throws or rejects. */
  run(event: ChainEvent): Answer | Promise<Answer> {
    const { tracer, options, name } = this.#bound;
    const index = this.#runIndex(event);
    if (index === undefined) return 'not_due';
    const { inVconUuid, outVconUuid, links } = event;
    const began = this.#completed ? performance.now() : 0;
    try {
      if (!tracer.run) return 'not_due';
      const answer = tracer.run(inVconUuid, outVconUuid, name, links, index, options, event);
      if (isThenable(answer)) return this.#inTime(answer, 'run', event, began);
      return answer === false ? REFUSED : this.#answered('run', event, began);
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

  #answered(call: Call, event: ChainEvent, began: number): Answer {
    this.#made[call] += 1;
    this.#completed?.(this.#bound.name, call, event, (performance.now() - began) / 1e3);
    return 'answered';
  }

  async #inTime(answer: PromiseLike<unknown>, call: Call, event: ChainEvent, began: number): Promise<Answer> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new VconOtelError('TIMEOUT', `${call} of tracer ${this.#bound.name} took too long`)),
      this.#bound.delivery.timeout,
    );
    this.#timers.add(timer);
    try {
      const value = await Promise.race([answer, late.promise]);
      return call === 'run' && value === false ? REFUSED : this.#answered(call, event, began);
    } catch (error) {
      return { refused: false, error };
    } finally {
      clearTimeout(timer);
      this.#timers.delete(timer);
    }
  }
}

/** The `error.type` of a failed call. */
export function failureType(failure: Failure): string {
  return failure.refused ? 'returned_false' : errorType(failure.error);
}

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
