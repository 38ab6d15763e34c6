import { errorType, VconOtelError } from '../model/error.ts';
import { type ChainEvent, eventName } from '../model/event.ts';
import type { BoundTracer } from './create-tracer.ts';

/** Why a delivery did not succeed; `refused` is a `run` that answered `false`. */
export type Failure = { readonly refused: true } | { readonly refused: false; readonly error: unknown };

/** What came of a call; undefined if it went well. */
export type Answer = Failure | undefined;

/** Calls that were answered well. */
export interface CallCounts {
  trace: number;
  run: number;
}

const REFUSED: Failure = { refused: true };

/**
 * The calls of one tracer. What the tracer does in them – throw, reject, hang, answer `false` – ends here, as a value. A
 * tracer that answers at once costs no promise and no timer.
 */
export class TracerCalls {
  readonly #bound: BoundTracer;
  readonly #timeout: number;
  readonly #made: CallCounts;
  readonly #timers = new Set<NodeJS.Timeout>();

  /**
   * @param timeout milliseconds that a call may take
   * @param made counts the calls that were answered well
   */
  constructor(bound: BoundTracer, timeout: number, made: CallCounts) {
    this.#bound = bound;
    this.#timeout = timeout;
    this.#made = made;
  }

  /** Lets go of calls under way: one that hangs must not keep the process alive. */
  abandon(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  /** The documented `trace` call of an event. */
  trace(event: ChainEvent): Answer | Promise<Answer> {
    const { tracer, options } = this.#bound;
    try {
      if (!tracer.trace) return undefined;
      const answer = tracer.trace(event.outVconUuid, eventName(event), options, event);
      if (isThenable(answer)) return this.#inTime(answer, 'trace');
      this.#made.trace += 1;
      return undefined;
    } catch (error) {
      return { refused: false, error };
    }
  }

  /** The documented `run` call that follows an event, if one does. */
  run(event: ChainEvent): Answer | Promise<Answer> {
    const { tracer, options, name } = this.#bound;
    const index = this.#runIndex(event);
    if (index === undefined) return undefined;
    const { inVconUuid, outVconUuid, links } = event;
    try {
      if (!tracer.run) return undefined;
      const answer = tracer.run(inVconUuid, outVconUuid, name, links, index, options, event);
      if (isThenable(answer)) return this.#inTime(answer, 'run');
      if (answer === false) return REFUSED;
      this.#made.run += 1;
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

  async #inTime(answer: PromiseLike<unknown>, call: 'trace' | 'run'): Promise<Answer> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new VconOtelError('TIMEOUT', `${call} of tracer ${this.#bound.name} took too long`)),
      this.#timeout,
    );
    this.#timers.add(timer);
    try {
      const value = await Promise.race([answer, late.promise]);
      if (call === 'run' && value === false) return REFUSED;
      this.#made[call] += 1;
      return undefined;
    } catch (error) {
      return { refused: false, error };
    } finally {
      clearTimeout(timer);
      this.#timers.delete(timer);
    }
  }
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
