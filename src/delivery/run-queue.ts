import type { Clock } from '../model/clock.ts';
import type { ChainEvent } from '../model/event.ts';
import type { Attempt } from './event-attempts.ts';

/** What a tracer is to hear of one run, in order. */
export class RunQueue {
  readonly runId: string;
  /** The last attempt at the {@link first} event, if it failed. */
  before: Attempt | undefined;
  readonly #events: ChainEvent[] = [];
  #cancel: (() => void) | undefined;

  constructor(runId: string) {
    this.runId = runId;
  }

  /** What the tracer is to hear next, or is hearing. */
  get first(): ChainEvent | undefined {
    return this.#events[0];
  }

  add(event: ChainEvent): void {
    this.#events.push(event);
  }

  /** The first event has been heard, or never will be. */
  shift(): void {
    this.#events.shift();
    this.before = undefined;
  }

  /**
   * Takes an event out.
   * @returns the one that had this id
   */
  remove(eventId: string): ChainEvent | undefined {
    const at = this.#events.findIndex((event) => event.eventId === eventId);
    if (at === 0) this.before = undefined;
    return at === -1 ? undefined : this.#events.splice(at, 1)[0];
  }

  /** Waits before the next attempt. */
  backOff(milliseconds: number, clock: Clock, over: () => void): void {
    this.#cancel = clock.after(Math.ceil(milliseconds), () => {
      this.#cancel = undefined;
      over();
    });
  }

  /**
   * Waits no longer.
   * @returns whether it did
   */
  stopWaiting(): boolean {
    const waited = this.#cancel !== undefined;
    this.#cancel?.();
    this.#cancel = undefined;
    return waited;
  }
}
