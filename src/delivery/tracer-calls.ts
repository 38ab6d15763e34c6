import type { Clock } from '../model/clock.ts';
import { withDeadline } from '../model/deadline.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import { type ChainEvent, eventName } from '../model/event.ts';
import type { ConserverTracer } from '../model/tracer.ts';
import type { BoundTracer } from './bound-tracer.ts';
import { TraceBatches } from './trace-batches.ts';

/**
 * Why a call did not succeed; `refused` is a `run` that answered `false`, `shared` what became of a batch as a whole: which of
 * its events would fail again by itself, it does not say.
 */
export type Failure =
  | { readonly refused: true }
  | { readonly refused: false; readonly error: unknown; readonly shared?: boolean };

/** What came of a call; `not_due` where the tracer does not have it or the event does not ask for it. */
export type Answer = Failure | 'answered' | 'not_due';

/** The two documented calls. */
export type CallName = 'trace' | 'run';

/** Calls that were answered well. */
export interface CallCounts {
  trace: number;
  run: number;
}

/** Told of each call that was answered well, and after how many seconds. */
export type Completed = (tracer: string, call: CallName, event: ChainEvent, seconds: number) => void;

const REFUSED: Failure = { refused: true };

/** What the calls of a tracer need of whoever makes them. */
export interface TracerCallsSettings {
  readonly clock: Clock;
  /** Told of each call that was answered well; it may be another one each time. */
  readonly completed?: Completed | undefined;
}

/**
 * The calls of one tracer. What the tracer does in them – throw, reject, hang, answer `false` – ends here, as a value. A
 * tracer that answers at once costs no promise and no timer.
 */
export class TracerCalls {
  readonly #bound: BoundTracer;
  readonly #made: CallCounts;
  readonly #settings: TracerCallsSettings;
  readonly #keepsTime: boolean;
  readonly #batches: TraceBatches<Answer> | undefined;
  /** What calls off the deadlines of the calls under way. */
  readonly #deadlines = new Set<() => void>();

  /** @param made counts the calls that were answered well */
  constructor(bound: BoundTracer, made: CallCounts, settings: TracerCallsSettings) {
    this.#bound = bound;
    this.#settings = settings;
    this.#keepsTime = 'keepsTime' in bound.tracer;
    this.#made = made;
    if (bound.tracer.traceBatch)
      this.#batches = new TraceBatches({
        alone: (event) => this.#trace(event),
        together: (events) => this.#traceBatch(events),
      });
  }

  /** Has the tracer pass on what it buffers, or end. */
  inTime(what: 'forceFlush' | 'shutdown', milliseconds: number): Promise<void> {
    const { tracer, name } = this.#bound;
    const { clock } = this.#settings;
    return withDeadline(Promise.resolve(tracer[what]?.()), milliseconds, `${what} of tracer ${name}`, clock);
  }

  /** Lets go of calls under way: one that hangs must not keep the process alive. */
  abandon(): void {
    for (const callOff of this.#deadlines) callOff();
    this.#deadlines.clear();
  }

  /**
   * The documented `trace` call of an event, or its part in a `traceBatch`. Never throws or rejects.
   * @param again whether it was called before: then it is called alone, and what fails in a batch fails by itself the next time
   */
  trace(event: ChainEvent, again: boolean): Answer | Promise<Answer> {
    if (!this.#isTraced(event)) return 'not_due';
    return this.#batches && !again ? this.#batches.add(event) : this.#trace(event);
  }

  #trace(event: ChainEvent): Answer | Promise<Answer> {
    const { tracer, options } = this.#bound;
    const began = this.#begin();
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
    const began = this.#begin();
    try {
      if (!tracer.run) return 'not_due';
      const answer = tracer.run(inVconUuid, outVconUuid, name, links, index, options, event);
      if (isThenable(answer)) return this.#inTime(answer, 'run', event, began);
      return answer === false ? REFUSED : this.#answered('run', event, began);
    } catch (error) {
      return { refused: false, error };
    }
  }

  #isTraced({ calls, phase }: ChainEvent): boolean {
    if (calls === 'run' || calls === 'none') return false;
    return phase !== 'lost' || this.#bound.delivery.chainLost;
  }

  /** The `link_index` of the `run` call that follows an event, if one does (the table in DESIGN §4). */
  #runIndex(event: ChainEvent): number | undefined {
    if (event.calls === 'trace' || event.calls === 'none') return undefined;
    if (event.stage === 'link') return event.phase === 'complete' ? event.linkIndex : undefined;
    if (event.stage === 'storage' || event.phase === 'error' || event.phase === 'lost') return undefined;
    if (event.phase === 'complete') return this.#bound.completion ? event.links.length : undefined;
    return event.links.length > 0 || event.inferred.includes('links') ? -1 : undefined;
  }

  /** When a call begins, on {@link Clock.elapsed}; undefined where nobody wants to know how long it takes. */
  #begin(): number | undefined {
    return this.#settings.completed && this.#settings.clock.elapsed();
  }

  #answered(call: CallName, event: ChainEvent, began: number | undefined): Answer {
    // By its name: one that changes would be looked up each time.
    if (call === 'trace') this.#made.trace += 1;
    else this.#made.run += 1;
    if (began !== undefined)
      this.#settings.completed?.(
        this.#bound.name,
        call,
        event,
        (this.#settings.clock.elapsed() - began) / 1e3,
      );
    return 'answered';
  }

  async #traceBatch(events: readonly ChainEvent[]): Promise<readonly Answer[]> {
    const { tracer, options, name } = this.#bound;
    const began = this.#begin();
    try {
      const answer: unknown = tracer.traceBatch?.(events, options);
      const told = isThenable(answer) ? await this.#withDeadline(answer, 'traceBatch') : answer;
      if (!Array.isArray(told)) return events.map((event) => this.#answered('trace', event, began));
      if (told.length !== events.length)
        throw new VconOtelError(
          'TRACER_FAILED',
          `traceBatch of tracer ${name} has answered for other events`,
        );
      const errors = told.map((one) => (one?.status === 'rejected' ? { error: one.reason } : undefined));
      return events.map((event, i) =>
        errors[i] ? { refused: false, ...errors[i] } : this.#answered('trace', event, began),
      );
    } catch (error) {
      return events.map(() => ({ refused: false, error, shared: true }));
    }
  }

  async #inTime(
    answer: PromiseLike<unknown>,
    call: CallName,
    event: ChainEvent,
    began: number | undefined,
  ): Promise<Answer> {
    try {
      const value = await this.#withDeadline(answer, call);
      return call === 'run' && value === false ? REFUSED : this.#answered(call, event, began);
    } catch (error) {
      return { refused: false, error };
    }
  }

  async #withDeadline(answer: PromiseLike<unknown>, call: keyof ConserverTracer): Promise<unknown> {
    if (this.#keepsTime) return answer;
    const deadline = this.#deadline(call);
    try {
      return await Promise.race([answer, deadline.late]);
    } finally {
      deadline.callOff();
    }
  }

  #deadline(call: keyof ConserverTracer): { readonly late: Promise<never>; callOff(): void } {
    const { name, delivery } = this.#bound;
    const late = Promise.withResolvers<never>();
    const callOff = this.#settings.clock.after(delivery.timeout, () =>
      late.reject(new VconOtelError('TIMEOUT', `${call} of tracer ${name} took too long`)),
    );
    this.#deadlines.add(callOff);
    return {
      late: late.promise,
      callOff: () => {
        callOff();
        this.#deadlines.delete(callOff);
      },
    };
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
