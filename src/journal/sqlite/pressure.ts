import type { OnFull } from '../journal.ts';

/** Shares of the largest size: where it is full, until where, and where the slowest consumer loses its oldest events. */
const FULL = 0.95;
const ROOM = 0.9;
const OVERFULL = 1;
/** Where nothing more is accepted: a span's hook cannot be asked to come back later. */
const BURSTING = 1.25;
/** Events that may wait for a disk that does not take them; half of them is full, a quarter is room. */
const MAX_WAITING = 100_000;

/** How full a journal is, and who waits until it is less so. */
export class Pressure {
  readonly #onFull: OnFull;
  #usage = 0;
  #isFull = false;
  readonly #rooms: (() => void)[] = [];

  constructor(onFull: OnFull) {
    this.#onFull = onFull;
  }

  get full(): boolean {
    return this.#isFull;
  }

  /** Share of the largest size. */
  get usage(): number {
    return this.#usage;
  }

  /** Whether events have to be given up to make room. */
  get overfull(): boolean {
    return this.#usage >= (this.#onFull === 'drop' ? FULL : OVERFULL);
  }

  /** Whether one more event can be accepted beside those that wait for the disk. */
  accepts(waiting: number): boolean {
    return waiting < MAX_WAITING && this.#usage < BURSTING;
  }

  room(): Promise<void> {
    return this.#isFull ? new Promise((pass) => this.#rooms.push(pass)) : Promise.resolve();
  }

  /** @param usage share of the largest size; the last one, if it is not known anew */
  look(waiting: number, usage = this.#usage): void {
    this.#usage = usage;
    if (this.#onFull === 'drop') return;
    if (this.#isFull) this.#isFull = usage > ROOM || waiting > MAX_WAITING / 4;
    else this.#isFull = usage >= FULL || waiting >= MAX_WAITING / 2;
    if (!this.#isFull) this.release();
  }

  /** Nobody waits any longer. */
  release(): void {
    for (const pass of this.#rooms.splice(0)) pass();
  }
}
