import { asked, type Intervals, longestWait } from '../model/back-off.ts';
import type { Clock } from '../model/clock.ts';
import type { DeliveryPolicy } from './delivery-policy.ts';

/** `open`: the tracer is not called. `half_open`: a single event is tried, to see whether it answers again. */
export type CircuitState = 'closed' | 'open' | 'half_open';

/** What an attempt says about whether the tracer responds; `nothing` if no call was due. */
export type Sign = 'answered' | 'failed' | 'nothing';

/** Stops calling a tracer that has failed many times in a row, and tries from time to time whether it answers again. */
export class CircuitBreaker {
  readonly #failures: number;
  readonly #pauses: Intervals;
  readonly #clock: Clock;
  readonly #turned: (state: CircuitState) => void;
  #state: CircuitState = 'closed';
  /** Attempts that began before the last turn say nothing about what is now. */
  #turns = 0;
  #failed = 0;
  #probing = false;
  /** Pauses in a row. */
  #pausesMade = 0;
  #cancel: (() => void) | undefined;
  #stopped = false;

  /** @param turned called on each change */
  constructor(
    { circuitBreaker, retry }: DeliveryPolicy,
    clock: Clock,
    turned: (state: CircuitState) => void,
  ) {
    this.#clock = clock;
    this.#failures = circuitBreaker.failures;
    const { pause } = circuitBreaker;
    this.#pauses = { initialInterval: pause, maxInterval: Math.max(pause, retry.maxInterval) };
    this.#turned = turned;
  }

  get state(): CircuitState {
    return this.#state;
  }

  /** Whether an attempt may begin. */
  get lets(): boolean {
    return this.#state === 'closed' || (this.#state === 'half_open' && !this.#probing);
  }

  /**
   * An attempt begins.
   * @returns a token for {@link end}
   */
  begin(): number {
    this.#probing = this.#state === 'half_open';
    return this.#turns;
  }

  /**
   * An attempt has ended.
   * @param began the token from {@link begin}
   * @param retryAfter seconds that the tracer asked for
   */
  end(began: number, sign: Sign, retryAfter: number): void {
    if (began !== this.#turns) return;
    this.#probing = false;
    if (sign === 'nothing') return;
    if (sign === 'answered') {
      this.#failed = 0;
      if (this.#state === 'closed') return;
      this.#pausesMade = 0;
      this.#turn('closed');
      return;
    }
    this.#failed += 1;
    if (this.#state !== 'half_open' && this.#failed < this.#failures) return;
    this.#pausesMade += 1;
    const pause = Math.max(longestWait(this.#pauses, this.#pausesMade), asked(retryAfter));
    if (!this.#stopped) this.#cancel = this.#clock.after(pause, () => this.#turn('half_open'));
    this.#turn('open');
  }

  /** From now on a circuit that is open stays open. */
  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  #turn(state: CircuitState): void {
    this.#turns += 1;
    this.#state = state;
    this.#turned(state);
  }
}
