import type { Notice, Time } from '../messages.ts';
import type { ConsumerId } from './schema.ts';
import type { Store } from './store.ts';
import { Sweep, type SweepAim } from './sweep.ts';

export interface HousekeepingSettings {
  /** Milliseconds that settled events are kept. */
  readonly retention: number;
  /** Bytes that the journal may take. */
  readonly maxSize: number;
  /** Milliseconds that consumers which are not there keep what they have still to hear. */
  readonly patience: number;
  /** Milliseconds on a clock that nobody sets, by which work is divided. */
  elapsed(): number;
  say(notice: Notice): void;
}

/** From here on settled events go before their time. */
const CROWDED = 0.85;
/** The newest events, which whoever is not far behind reads. */
const FRESH = 10_000;
/** Later than any event, and after any. */
const ANY_TIME = 8.64e15;
const ANY_SEQ = Number.MAX_SAFE_INTEGER;

/**
 * What is removed besides settled events whose time has come. While there is no other room, each stage removes more: settled
 * events that a restart may emit again, then dead letters.
 */
const STAGES = ['settled', 'emitted again', 'dead letters'] as const;

/** Keeps a journal's file small enough: removes what nobody has still to hear when its time has come, or there is no room. */
export class Housekeeping {
  readonly #store: Store;
  readonly #settings: HousekeepingSettings;
  readonly #sweep: Sweep;
  readonly #opened: number;
  #stage = 0;
  #usage = 0;
  #saidUsage: number | undefined;
  /** Pages were removed since runs were looked at. */
  #hasRemoved = false;

  constructor(store: Store, settings: HousekeepingSettings, { elapsed }: Time) {
    this.#store = store;
    this.#settings = settings;
    this.#sweep = new Sweep(store);
    this.#opened = elapsed;
  }

  /** How full the file is, 1 being its limit. */
  get usage(): number {
    this.#usage = this.#store.size / this.#settings.maxSize;
    return this.#usage;
  }

  get crowded(): boolean {
    return this.usage > CROWDED;
  }

  /** Whether it was, when that was looked at last: each look asks the file twice. */
  get wasCrowded(): boolean {
    return this.#usage > CROWDED;
  }

  /** Consumers dropped events at the old end of the log, and wait for the room that this makes. */
  gaveUp(): void {
    this.#sweep.restart();
    this.#saidUsage = undefined;
  }

  /**
   * Goes on removing, one step at least.
   * @param present consumers that are there
   * @param milliseconds after which it is enough
   */
  tidy(present: readonly ConsumerId[], time: Time, milliseconds: number): void {
    const { patience, say, elapsed } = this.#settings;
    const store = this.#store;
    const until = elapsed() + milliseconds;
    // A service that has just started may be about to ask for its consumers one after the other.
    const isEarly = present.length === 0 || time.elapsed - this.#opened < patience;
    const consumers = isEarly ? store.consumers() : present;
    do {
      const swept = store.transaction(() => this.#sweep.step(this.#aim(consumers, time)));
      if (!swept) {
        this.#stage = this.crowded ? Math.min(this.#stage + 1, STAGES.length - 1) : 0;
        break;
      }
      this.#hasRemoved ||= swept.pages > 0;
      if (swept.dead > 0) say({ notice: 'forgot', dead: swept.dead });
    } while (elapsed() < until);
    if (this.#hasRemoved) store.transaction(() => store.runs.tidy());
    this.#hasRemoved = false;
    const { usage } = this;
    if (usage !== this.#saidUsage) say({ notice: 'usage', usage });
    this.#saidUsage = usage;
  }

  /**
   * Packs pages that are seldom read any more.
   * @param milliseconds after which it is enough
   */
  pack(milliseconds: number): void {
    const { elapsed } = this.#settings;
    const store = this.#store;
    const until = elapsed() + milliseconds;
    while (elapsed() < until && store.transaction(() => store.pages.pack(store.last - FRESH)));
  }

  #aim(consumers: readonly ConsumerId[], { now }: Time): SweepAim {
    const { crowded } = this;
    if (!crowded) this.#stage = 0;
    const stage = STAGES[this.#stage];
    return {
      before: crowded ? ANY_TIME : now - this.#settings.retention,
      upTo: stage === 'settled' ? this.#store.input.toldOnce() : ANY_SEQ,
      deadLetters: stage === 'dead letters',
      consumers,
    };
  }
}
