import type { BoundTracer } from '../../delivery/bound-tracer.ts';
import { eventName } from '../../model/event.ts';
import { type Call, decodeCalls } from '../call-batch.ts';
import type { SharedState } from '../shared-state.ts';
import type { Answers } from './answers.ts';

/** Makes the calls of a tracer in its thread: each has its own time, which begins when it begins. */
export class IsolatedCalls {
  readonly #bound: BoundTracer;
  readonly #timeout: number;
  readonly #shared: SharedState;
  readonly #answers: Answers;

  /** @param timeout milliseconds that a call may take */
  constructor(bound: BoundTracer, timeout: number, shared: SharedState, answers: Answers) {
    this.#bound = bound;
    this.#timeout = timeout;
    this.#shared = shared;
    this.#answers = answers;
  }

  async take(batch: string): Promise<void> {
    for (const call of decodeCalls(batch)) {
      // A tracer that computes long for each call gets on all the same.
      this.#shared.beat();
      // What is answered in this turn is told before the next call, which may be the last.
      if (this.#make(call)) await undefined;
    }
  }

  /** @returns whether the answer is a promise */
  #make(call: Call): boolean {
    try {
      const answer = this.#begin(call);
      const isPromise = isThenable(answer);
      if (isPromise) this.#await(call, answer);
      else this.#settle(call, answer);
      return isPromise;
    } catch (error) {
      this.#answers.fail(call.id, error);
      return false;
    }
  }

  #begin({ events, runIndex }: Call): unknown {
    const { tracer, options, name } = this.#bound;
    const [event] = events;
    if (!event) return undefined;
    if (events.length > 1) return tracer.traceBatch?.(events, options);
    const { inVconUuid, outVconUuid, links } = event;
    return runIndex === undefined
      ? tracer.trace?.(outVconUuid, eventName(event), options, event)
      : tracer.run?.(inVconUuid, outVconUuid, name, links, runIndex, options, event);
  }

  #await(call: Call, answer: PromiseLike<unknown>): void {
    let isOver = false;
    const late = setTimeout(() => {
      isOver = true;
      this.#answers.late(call.id);
    }, this.#timeout);
    const end = (settle: () => void) => {
      clearTimeout(late);
      if (!isOver) settle();
      isOver = true;
    };
    // Somebody else's thenable may throw.
    Promise.resolve(answer).then(
      (value) => end(() => this.#settle(call, value)),
      (error: unknown) => end(() => this.#answers.fail(call.id, error)),
    );
  }

  #settle({ id, runIndex, events }: Call, value: unknown): void {
    if (events.length > 1 && Array.isArray(value) && !isOfAll(value, events.length))
      this.#answers.each(id, value);
    else this.#answers.settle(id, runIndex !== undefined && value === false ? 'refused' : 'answered');
  }
}

/** Whether what a `traceBatch` has made of its events says that all were answered. */
function isOfAll(said: readonly (PromiseSettledResult<unknown> | undefined)[], count: number): boolean {
  return said.length === count && said.every((one) => one?.status !== 'rejected');
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
