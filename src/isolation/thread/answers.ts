import { retryHints } from '../../model/delivery-error.ts';
import { errorType, VconOtelError } from '../../model/error.ts';
import type { CallAnswer, Failed, FromThread } from '../messages.ts';
import type { SharedState } from '../shared-state.ts';

/** Milliseconds for which answers wait to be sent while a tracer does not yield. */
const HELD = 20;

/** The answers of a tracer on their way to the main thread, those of one turn of the event loop in one message. */
export class Answers {
  readonly #shared: SharedState;
  readonly #say: (word: FromThread) => void;
  #answered: number[] = [];
  #refused: number[] = [];
  #failed: [number, Failed][] = [];
  #apart: [number, (Failed | null)[]][] = [];
  /** When the first of them came; undefined: there is none. */
  #since: number | undefined;

  constructor(shared: SharedState, say: (word: FromThread) => void) {
    this.#shared = shared;
    this.#say = say;
  }

  settle(call: number, answer: Exclude<CallAnswer, 'failed'>): void {
    (answer === 'answered' ? this.#answered : this.#refused).push(call);
    this.#settled(call, answer);
  }

  fail(call: number, error: unknown): void {
    this.#failed.push([call, failureOf(error)]);
    this.#settled(call, 'failed');
  }

  /** What a `traceBatch` has said of each of its events. If the thread ends before that is sent, all of them have failed. */
  each(call: number, said: readonly (PromiseSettledResult<unknown> | undefined)[]): void {
    this.#apart.push([call, said.map((one) => (one?.status === 'rejected' ? failureOf(one.reason) : null))]);
    this.#settled(call, 'failed');
  }

  late(call: number): void {
    this.fail(call, new VconOtelError('TIMEOUT', 'the call took too long'));
  }

  #settled(call: number, answer: CallAnswer): void {
    this.#shared.settle(call, answer);
    const now = performance.now();
    if (this.#since === undefined) {
      this.#since = now;
      setImmediate(() => this.#send());
    } else if (now - this.#since > HELD) this.#send();
  }

  #send(): void {
    if (this.#since === undefined) return;
    const [answered, refused, failed, apart] = [this.#answered, this.#refused, this.#failed, this.#apart];
    this.#since = undefined;
    this.#answered = [];
    this.#refused = [];
    this.#failed = [];
    this.#apart = [];
    this.#say({ is: 'answers', answered, refused, failed, apart });
  }
}

function failureOf(error: unknown): Failed {
  return { type: errorType(error), ...retryHints(error) };
}
