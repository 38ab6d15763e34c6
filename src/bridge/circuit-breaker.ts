import { asked } from './back-off.ts';
import type { DeliveryPolicy } from './delivery-policy.ts';

/** `open`: the tracer is left alone. `half_open`: a single event is tried, to see whether it answers again. */
export type CircuitState = 'closed' | 'open' | 'half_open';

/** What an attempt says about whether the tracer is there; `nothing` where no call was due. */
export type Sign = 'answered' | 'failed' | 'nothing';

/** Leaves a tracer alone that has failed many times in a row, and tries now and then whether it answers again. */
export class CircuitBreaker {
  readonly #failures: number;
  readonly #shortest: number;
  readonly #longest: number;
  readonly #turned: (state: CircuitState) => void;
  #state: CircuitState = 'closed';
  /** Attempts that began before the last turn say nothing about what is now. */
  #turns = 0;
  #failed = 0;
  #probing = false;
  #pause: number;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** @param turned told of each change */
  constructor({ circuitBreaker, retry }: DeliveryPolicy, turned: (state: CircuitState) => void) {
    this.#failures = circuitBreaker.failures;
    this.#shortest = circuitBreaker.pause;
    this.#longest = Math.max(circuitBreaker.pause, retry.maxInterval);
    this.#pause = this.#shortest;
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
   * @returns what {@link end} is to be told
   */
  begin(): number {
    this.#probing = this.#state === 'half_open';
    return this.#turns;
  }

  /**
   * An attempt has ended.
   * @param began what {@link begin} said
   * @param retryAfter seconds that the tracer asked for
   */
  end(began: number, sign: Sign, retryAfter: number): void {
    if (began !== this.#turns) return;
    this.#probing = false;
    if (sign === 'nothing') return;
    if (sign === 'answered') {
      this.#failed = 0;
      if (this.#state === 'closed') return;
      this.#pause = this.#shortest;
      this.#turn('closed');
      return;
    }
    this.#failed += 1;
    if (this.#state === 'half_open') this.#pause = Math.min(this.#pause * 2, this.#longest);
    else if (this.#failed < this.#failures) return;
    if (!this.#stopped)
      this.#timer = setTimeout(() => this.#turn('half_open'), Math.max(this.#pause, asked(retryAfter)));
    this.#turn('open');
  }

  /** From now on a circuit that is open stays open. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #turn(state: CircuitState): void {
    this.#turns += 1;
    this.#state = state;
    this.#turned(state);
  }
}
