import type { Clock } from '../../src/model/clock.ts';

interface Timer {
  readonly at: number;
  readonly work: () => void;
}

/** A clock that stands still but for what a test says. */
export class ManualClock implements Clock {
  readonly #epoch: number;
  #elapsed = 0;
  readonly #timers = new Set<Timer>();

  /** @param epoch milliseconds since the Unix epoch at the beginning */
  constructor(epoch = 1_800_000_000_000) {
    this.#epoch = epoch;
  }

  now(): number {
    return this.#epoch + this.#elapsed;
  }

  elapsed(): number {
    return this.#elapsed;
  }

  after(milliseconds: number, work: () => void): () => void {
    const timer = { at: this.#elapsed + milliseconds, work };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  random(): number {
    return 0.5;
  }

  /** Lets time pass, and what is due in it happen. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#elapsed + milliseconds;
    for (let due = this.#next(end); due; due = this.#next(end)) {
      this.#timers.delete(due);
      this.#elapsed = Math.max(this.#elapsed, due.at);
      due.work();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#elapsed = end;
  }

  #next(end: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) if (timer.at <= end && (!next || timer.at < next.at)) next = timer;
    return next;
  }
}
