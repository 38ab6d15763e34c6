import type { CallAnswer } from './messages.ts';

/** The answers as they stand in memory; 0 is none. */
const ANSWERS: readonly (CallAnswer | undefined)[] = [undefined, 'answered', 'refused', 'failed'];

/** Numbers of calls begin anew beyond it: number and answer share a word. */
export const MAX_CALL = 2 ** 29;

/**
 * What a tracer's thread leaves behind for the main one, whatever becomes of it: whether it still yields, and how it has
 * answered calls. It is memory that both have, because a message that the thread has not sent is lost with it.
 */
export class SharedState {
  readonly buffer: SharedArrayBuffer;
  /** First the beats, then a word for each call that may be under way. */
  readonly #words: Int32Array;
  readonly #slots: number;

  /** @param calls how many may be under way at once, or the memory of the other thread */
  constructor(calls: number | SharedArrayBuffer) {
    this.buffer = typeof calls === 'number' ? new SharedArrayBuffer(4 * (1 + calls)) : calls;
    this.#words = new Int32Array(this.buffer);
    this.#slots = this.#words.length - 1;
  }

  /** Goes up as long as the thread yields, or begins calls. */
  get beats(): number {
    return Atomics.load(this.#words, 0);
  }

  beat(): void {
    Atomics.add(this.#words, 0, 1);
  }

  /** The thread has answered a call. */
  settle(call: number, answer: CallAnswer): void {
    Atomics.store(this.#words, this.#slot(call), call * 4 + ANSWERS.indexOf(answer));
  }

  /** How the thread has answered a call, if it has. */
  answerOf(call: number): CallAnswer | undefined {
    const word = Atomics.load(this.#words, this.#slot(call));
    return word >> 2 === call ? ANSWERS[word & 3] : undefined;
  }

  #slot(call: number): number {
    return 1 + (call % this.#slots);
  }
}
