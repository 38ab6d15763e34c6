import type { Clock } from '../model/clock.ts';
import type { ChainEvent } from '../model/event.ts';
import type { CircuitBreaker } from './circuit-breaker.ts';
import type { Attempt, EventAttempts, HeardRow } from './event-attempts.ts';
import { RunQueue } from './run-queue.ts';

export interface RunQueuesSettings {
  /** Runs of which a call may be under way at once. */
  readonly concurrency: number;
  readonly attempts: EventAttempts;
  readonly circuit: CircuitBreaker;
  readonly clock: Clock;
  /** Told of each attempt at an event that was not taken out meanwhile. */
  attempted(attempt: Attempt): void;
  /** Told instead of an event that was heard at the first attempt and at once, and after how many seconds. */
  heard(event: ChainEvent, seconds: number): void;
  /** Told in a later turn of the event loop that an attempt has ended (where it took that long), or that runs went on. */
  moved(late: Attempt | undefined): void;
  /** Told when {@link RunQueues.goOn} stopped to let others have their turn. */
  again(): void;
}

/**
 * Delivers the events of each run in order, whatever a call's latency and however often it is retried. Runs are delivered in
 * parallel; one that waits for its next attempt does not count.
 */
export class RunQueues {
  readonly #settings: RunQueuesSettings;
  /** Of each run of which an event is not settled. */
  readonly #queues = new Map<string, RunQueue>();
  /** Runs whose turn has not come, oldest first. */
  readonly #waiting = new Set<RunQueue>();
  /** Runs of which a call is under way. */
  #active = 0;
  #goingOn = false;
  #stopped = false;
  #isHalted = false;

  constructor(settings: RunQueuesSettings) {
    this.#settings = settings;
  }

  /** Runs of which an event has failed and is not settled yet. */
  get retrying(): number {
    let retrying = 0;
    for (const { before } of this.#queues.values()) if (before) retrying += 1;
    return retrying;
  }

  /** Whether nothing is under way, and nothing can be that is not to be waited for. */
  get idle(): boolean {
    return this.#active === 0 && (this.#waiting.size === 0 || !this.#settings.circuit.lets);
  }

  /** Whether a call is under way. */
  get calling(): boolean {
    return this.#active > 0;
  }

  /** Whether {@link goOn} has something to do. */
  get ready(): boolean {
    return this.#waiting.size > 0 && this.#hasTurn;
  }

  /**
   * Takes the next event of a run. Nothing is kept of one that is settled at once.
   * @param begun the first attempt at it, where {@link takeRow} has begun that
   * @returns whether it is still to be settled
   */
  take(event: ChainEvent, begun?: Attempt | Promise<Attempt>): boolean {
    const known = this.#queues.get(event.runId);
    if (known) {
      known.add(event);
      return true;
    }
    const made = begun ?? (this.#hasTurn ? this.#settings.attempts.make(event, undefined) : undefined);
    if (typeof made === 'number') {
      this.#settings.heard(event, made);
      return false;
    }
    if (made && !(made instanceof Promise) && made.outcome !== 'retried') {
      this.#settings.attempted(made);
      return false;
    }
    const queue = new RunQueue(event.runId);
    queue.add(event);
    this.#queues.set(event.runId, queue);
    if (!made) this.#waiting.add(queue);
    else {
      this.#active += 1;
      if (made instanceof Promise) this.#await(queue, made);
      else this.#conclude(queue, made);
    }
    return true;
  }

  /**
   * Takes events that follow one another, as long as each is settled at once.
   * @param wanted whether an event is to be heard now
   */
  takeRow(
    events: readonly ChainEvent[],
    from: number,
    wanted: (event: ChainEvent) => boolean,
  ): HeardRow | undefined {
    if (this.#queues.size > 0 || !this.#hasTurn) return undefined;
    const row = this.#settings.attempts.makeRow(events, from, wanted);
    for (let at = from; at < from + row.heard; at += 1)
      this.#settings.heard(events[at] as ChainEvent, row.seconds);
    return row;
  }

  /**
   * Takes an event out. If a call of it is under way, its run goes on when that is over.
   * @returns the event that had this id, if there was one
   */
  remove({ runId, eventId }: ChainEvent): ChainEvent | undefined {
    const queue = this.#queues.get(runId);
    const event = queue?.remove(eventId);
    if (queue && !queue.before && queue.stopWaiting()) this.#waiting.add(queue);
    return event;
  }

  /** Gives runs their turn, as long as there are any to give. */
  goOn(): void {
    // The loop that is already running reaches the others too; recursion would be as deep as the queue is long.
    if (this.#goingOn) return;
    this.#goingOn = true;
    let left = RUNS_PER_TURN;
    for (const queue of this.#waiting) {
      if (!this.#hasTurn) break;
      if (left === 0) {
        this.#settings.again();
        break;
      }
      left -= 1;
      this.#waiting.delete(queue);
      this.#active += 1;
      this.#deliver(queue);
    }
    this.#goingOn = false;
  }

  /** From now on what has failed is not tried again. */
  stop(): void {
    this.#stopped = true;
    for (const queue of this.#queues.values()) queue.stopWaiting();
  }

  /** From now on no call begins. */
  halt(): void {
    this.#isHalted = true;
    this.stop();
  }

  /** Hands over the runs of which an event is not settled, to be called when nothing is {@link calling}. */
  release(): readonly RunQueue[] {
    const left = [...this.#queues.values()];
    this.clear();
    return left;
  }

  /** Takes over what others have {@link release}d. */
  adopt(queues: readonly RunQueue[]): void {
    for (const queue of queues) {
      this.#queues.set(queue.runId, queue);
      this.#waiting.add(queue);
    }
  }

  /** Lets go of everything. */
  clear(): void {
    this.stop();
    this.#queues.clear();
    this.#waiting.clear();
  }

  /** Whether one more run may have a call under way. */
  get #hasTurn(): boolean {
    return this.#active < this.#settings.concurrency && this.#mayCall;
  }

  get #mayCall(): boolean {
    return !this.#isHalted && this.#settings.circuit.lets;
  }

  /** Goes on with a run that has its turn, until it has to wait. */
  #deliver(queue: RunQueue): void {
    for (let event = queue.first; event; event = queue.first) {
      if (!this.#mayCall) {
        this.#active -= 1;
        this.#waiting.add(queue);
        return;
      }
      const made = this.#settings.attempts.make(event, queue.before);
      if (typeof made === 'number') {
        // Meanwhile it may have been taken out.
        if (queue.first === event) {
          queue.shift();
          this.#settings.heard(event, made);
        }
        continue;
      }
      if (made instanceof Promise) {
        this.#await(queue, made);
        return;
      }
      if (!this.#conclude(queue, made)) return;
    }
    this.#queues.delete(queue.runId);
    this.#active -= 1;
  }

  #await(queue: RunQueue, made: Promise<Attempt>): void {
    void made.then((attempt) => {
      // Everything has been let go of.
      if (this.#queues.get(queue.runId) !== queue) return;
      if (this.#conclude(queue, attempt)) this.#deliver(queue);
      this.goOn();
      this.#settings.moved(attempt);
    });
  }

  /**
   * Draws the conclusions of an attempt.
   * @returns whether the run goes on; otherwise its turn is over
   */
  #conclude(queue: RunQueue, attempt: Attempt): boolean {
    // Meanwhile it was taken out.
    if (queue.first !== attempt.event) return true;
    const again = attempt.outcome === 'retried';
    if (again) {
      queue.before = attempt;
      this.#active -= 1;
      if (!this.#stopped)
        queue.backOff(attempt.wait, this.#settings.clock, () => this.#waitedLongEnough(queue));
    } else queue.shift();
    this.#settings.attempted(attempt);
    return !again;
  }

  #waitedLongEnough(queue: RunQueue): void {
    this.#waiting.add(queue);
    this.goOn();
    this.#settings.moved(undefined);
  }
}

/** How many runs are gone on with before the event loop gets its turn. */
const RUNS_PER_TURN = 512;
