import type { Notice } from '../messages.ts';
import type { ConsumerId } from './schema.ts';
import type { Store } from './store.ts';
import { Sweep } from './sweep.ts';

export interface HousekeepingSettings {
  /** Milliseconds that settled events are kept. */
  readonly retention: number;
  /** Bytes that the journal may take. */
  readonly maxSize: number;
  /** Milliseconds that consumers which are not there keep what they have still to hear. */
  readonly patience: number;
  say(notice: Notice): void;
}

/** From here on settled events go before their time, then dead letters. */
const CROWDED = 0.85;
/** Later than any event. */
const ANY_TIME = 8.64e15;

/** Keeps a journal's file small enough: removes what nobody has still to hear when its time has come, or there is no room. */
export class Housekeeping {
  readonly #store: Store;
  readonly #settings: HousekeepingSettings;
  readonly #sweep: Sweep;
  readonly #opened = performance.now();
  #deadLettersToo = false;
  #saidUsage: number | undefined;

  constructor(store: Store, settings: HousekeepingSettings) {
    this.#store = store;
    this.#settings = settings;
    this.#sweep = new Sweep(store.db);
  }

  /** How full the file is, 1 being its limit. */
  get usage(): number {
    return this.#store.size / this.#settings.maxSize;
  }

  get crowded(): boolean {
    return this.usage > CROWDED;
  }

  /** Consumers gave up events, at the old end of the log, and wait for what that changes. */
  gaveUp(): void {
    this.#sweep.restart();
    this.#saidUsage = undefined;
  }

  /**
   * Goes on removing, one step at least.
   * @param present consumers that are there
   * @param milliseconds after which it is enough
   */
  tidy(present: readonly ConsumerId[], milliseconds: number): void {
    const { retention, patience, say } = this.#settings;
    const store = this.#store;
    const until = performance.now() + milliseconds;
    // A service that has just started may be about to ask for its consumers one after the other.
    const isEarly = present.length === 0 || performance.now() - this.#opened < patience;
    const consumers = isEarly ? store.consumers() : present;
    do {
      const crowded = this.crowded;
      if (!crowded) this.#deadLettersToo = false;
      const before = crowded ? ANY_TIME : Date.now() - retention;
      const swept = store.transaction(() =>
        this.#sweep.step({ before, deadLetters: this.#deadLettersToo, consumers }),
      );
      if (!swept) {
        this.#deadLettersToo = crowded;
        break;
      }
      store.forgetRuns(swept.runIds);
      if (swept.dead > 0) say({ notice: 'forgot', dead: swept.dead });
    } while (performance.now() < until);
    const { usage } = this;
    if (usage !== this.#saidUsage) say({ notice: 'usage', usage });
    this.#saidUsage = usage;
  }
}
