import type { ChainEvent } from '../model/event.ts';
import type { CircuitBreaker } from './circuit-breaker.ts';
import type { Attempt, EventAttempts } from './event-attempts.ts';
import { Lane } from './lane.ts';

export interface RunLanesSettings {
  /** Runs of which a call may be under way at once. */
  readonly concurrency: number;
  readonly attempts: EventAttempts;
  readonly circuit: CircuitBreaker;
  /** Told of each attempt at an event that was not taken out meanwhile. */
  attempted(event: ChainEvent, attempt: Attempt): void;
  /** Told in a later turn of the event loop that an attempt has ended (where it took that long), or that runs went on. */
  moved(late: Attempt | undefined): void;
  /** Told when {@link RunLanes.goOn} stopped to let others have their turn. */
  again(): void;
}

/**
 * Brings the events of each run in their order, whatever each call's latency and however often it has to be made; runs
 * beside each other. A run that waits for its next attempt takes nobody's place.
 */
export class RunLanes {
  readonly #settings: RunLanesSettings;
  /** Of each run of which something is in hand. */
  readonly #lanes = new Map<string, Lane>();
  /** Runs whose turn has not come, oldest first. */
  readonly #waiting = new Set<Lane>();
  /** Runs of which a call is under way. */
  #active = 0;
  #goingOn = false;
  #stopped = false;

  constructor(settings: RunLanesSettings) {
    this.#settings = settings;
  }

  /** Runs of which an event has failed and is not settled yet. */
  get retrying(): number {
    let retrying = 0;
    for (const { before } of this.#lanes.values()) if (before) retrying += 1;
    return retrying;
  }

  /** Whether nothing is under way, and nothing can be that is not to be waited for. */
  get idle(): boolean {
    return this.#active === 0 && (this.#waiting.size === 0 || !this.#settings.circuit.lets);
  }

  /** Whether {@link goOn} has something to do. */
  get ready(): boolean {
    return this.#waiting.size > 0 && this.#hasTurn;
  }

  /**
   * Takes an event in hand. Nothing is kept of one that is settled at once.
   * @returns whether it is in hand still
   */
  take(event: ChainEvent): boolean {
    const known = this.#lanes.get(event.runId);
    if (known) {
      known.add(event);
      return true;
    }
    const made = this.#hasTurn ? this.#settings.attempts.make(event, undefined) : undefined;
    if (made && !(made instanceof Promise) && made.outcome !== 'retried') {
      this.#settings.attempted(event, made);
      return false;
    }
    const lane = new Lane(event.runId);
    lane.add(event);
    this.#lanes.set(event.runId, lane);
    if (!made) this.#waiting.add(lane);
    else {
      this.#active += 1;
      if (made instanceof Promise) this.#await(lane, event, made);
      else this.#conclude(lane, event, made);
    }
    return true;
  }

  /**
   * Takes an event out. If a call of it is under way, its run goes on when that is over.
   * @returns the event that had this id, if there was one
   */
  remove({ runId, eventId }: ChainEvent): ChainEvent | undefined {
    const lane = this.#lanes.get(runId);
    const event = lane?.remove(eventId);
    if (lane && !lane.before && lane.stopWaiting()) this.#waiting.add(lane);
    return event;
  }

  /** Gives runs their turn, as long as there are any to give. */
  goOn(): void {
    // Whoever is going on already comes to the others as well: a long queue must not nest as deep as it is long.
    if (this.#goingOn) return;
    this.#goingOn = true;
    let left = RUNS_PER_TURN;
    for (const lane of this.#waiting) {
      if (!this.#hasTurn) break;
      if (left === 0) {
        this.#settings.again();
        break;
      }
      left -= 1;
      this.#waiting.delete(lane);
      this.#active += 1;
      this.#deliver(lane);
    }
    this.#goingOn = false;
  }

  /** From now on what has failed is not tried again. */
  stop(): void {
    this.#stopped = true;
    for (const lane of this.#lanes.values()) lane.stopWaiting();
  }

  /** Lets go of everything. */
  clear(): void {
    this.stop();
    this.#lanes.clear();
    this.#waiting.clear();
  }

  /** Whether one more run may have a call under way. */
  get #hasTurn(): boolean {
    return this.#active < this.#settings.concurrency && this.#settings.circuit.lets;
  }

  /** Goes on with a run that has its turn, until it has to wait. */
  #deliver(lane: Lane): void {
    for (let event = lane.first; event; event = lane.first) {
      if (!this.#settings.circuit.lets) {
        this.#active -= 1;
        this.#waiting.add(lane);
        return;
      }
      const made = this.#settings.attempts.make(event, lane.before);
      if (made instanceof Promise) {
        this.#await(lane, event, made);
        return;
      }
      if (!this.#conclude(lane, event, made)) return;
    }
    this.#lanes.delete(lane.runId);
    this.#active -= 1;
  }

  #await(lane: Lane, event: ChainEvent, made: Promise<Attempt>): void {
    void made.then((attempt) => {
      // Everything has been let go of.
      if (this.#lanes.get(lane.runId) !== lane) return;
      if (this.#conclude(lane, event, attempt)) this.#deliver(lane);
      this.goOn();
      this.#settings.moved(attempt);
    });
  }

  /**
   * Draws the conclusions of an attempt.
   * @returns whether the run goes on; otherwise its turn is over
   */
  #conclude(lane: Lane, event: ChainEvent, attempt: Attempt): boolean {
    // Meanwhile it was taken out.
    if (lane.first !== event) return true;
    const again = attempt.outcome === 'retried';
    if (again) {
      lane.before = attempt;
      this.#active -= 1;
      if (!this.#stopped) lane.backOff(attempt.wait, () => this.#waitedLongEnough(lane));
    } else lane.shift();
    this.#settings.attempted(event, attempt);
    return !again;
  }

  #waitedLongEnough(lane: Lane): void {
    this.#waiting.add(lane);
    this.goOn();
    this.#settings.moved(undefined);
  }
}

/** How many runs are gone on with before the event loop gets its turn. */
const RUNS_PER_TURN = 512;
