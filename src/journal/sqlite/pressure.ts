import type { ChainEvent } from '../../model/event.ts';
import { bounded } from '../../model/memory.ts';
import type { OnFull } from '../event-log.ts';

/** Shares of the largest size: where it is full, until where, and where the slowest consumer loses its oldest events. */
const FULL = 0.95;
const ROOM = 0.9;
const OVERFULL = 1;
/** Where nothing more is accepted: a span's hook cannot be asked to come back later. */
const BURSTING = 1.25;
/** Events that may wait for the disk before their sources have to, which may go on when half of them are written. */
const MANY_WAITING = bounded(50_000, 1 / 8, 4_000);
/** Events that may wait for it at all: those of runs that were under way, or let go on together, come on top of many. */
const MAX_WAITING = bounded(100_000, 1 / 2, 4_000);

/** How full a journal is. */
export class Pressure {
  readonly #onFull: OnFull;
  #usage = 0;
  #isFull = false;

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

  /** How many more events may be accepted, at once too, before their sources have to wait. */
  room(waiting: number): number {
    return this.#onFull === 'drop' ? Number.POSITIVE_INFINITY : Math.max(0, MANY_WAITING - waiting);
  }

  /** As many of some events as can be accepted beside those that wait for the disk. */
  accepted(events: readonly ChainEvent[], waiting: number): readonly ChainEvent[] {
    if (this.#usage >= BURSTING) return [];
    const room = Math.max(0, MAX_WAITING - waiting);
    return events.length <= room ? events : events.slice(0, room);
  }

  /** @param usage share of the largest size; the last one, if it is not known anew */
  look(waiting: number, usage = this.#usage): void {
    this.#usage = usage;
    if (this.#onFull === 'drop') return;
    if (this.#isFull) this.#isFull = usage > ROOM || waiting > MANY_WAITING / 2;
    else this.#isFull = usage >= FULL || waiting >= MANY_WAITING;
  }
}
