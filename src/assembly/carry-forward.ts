import type { Inbox } from '../journal/inbox.ts';
import type { Clock } from '../model/clock.ts';
import type { EventSink } from '../model/event-sink.ts';
import type { Assembler } from './assembler.ts';
import type { InputLog } from './input-log.ts';
import { stateOf } from './state.ts';

export interface CarryForwardSettings {
  readonly inbox: Inbox;
  readonly log: InputLog;
  readonly events: EventSink;
  readonly clock: Clock;
}

/** Bytes that the log may grow by, at least, and how often what was carried last. */
const GROWS_BY = 8 * 1024 * 1024;
const TIMES = 2;
/** Bytes that are written before others have their turn. */
const AT_A_TIME = 128 * 1024;
/** Milliseconds after which it is done if the log has grown at all: events that may be repeated are kept until then. */
const AT_LEAST_EVERY = 600_000;

/**
 * Keeps the log short: what is needed of everything so far is appended once more, and all before it goes. A run that stays
 * open for long, or a closed one that is remembered, holds nothing back.
 */
export class CarryForward {
  readonly #settings: CarryForwardSettings;
  #size = 0;
  #carried = 0;
  #at: number;
  #underWay: Promise<void> | undefined;

  constructor(settings: CarryForwardSettings) {
    this.#settings = settings;
    this.#at = settings.clock.elapsed();
  }

  /** Whether the log has grown enough since the last time. */
  get isDue(): boolean {
    const { log, clock } = this.#settings;
    const grown = log.size - this.#size;
    if (grown === 0 || this.#underWay) return false;
    const isLong = grown >= Math.max(GROWS_BY, this.#carried * TIMES);
    return isLong || clock.elapsed() - this.#at >= AT_LEAST_EVERY;
  }

  /** Does it, a part at a time. What it could not do, since the journal ends, is not missed. Never rejects. */
  carry(assembler: Assembler): Promise<void> {
    if (this.#settings.log.size === this.#size) return Promise.resolve();
    this.#underWay ??= this.#carry(assembler)
      .catch(() => undefined)
      .finally(() => {
        this.#underWay = undefined;
      });
    return this.#underWay;
  }

  async #carry(assembler: Assembler): Promise<void> {
    const { inbox, log, events, clock } = this.#settings;
    this.#at = clock.elapsed();
    this.#size = log.size;
    const begun = log.append({ kind: 'carries' });
    // As it is at this very place of the log.
    const state = stateOf(assembler);
    const place = await begun;
    let carried = 0;
    let ahead = 0;
    for (const part of state) {
      const before = log.size;
      const appended = log.append({ kind: 'carried', of: place, part });
      carried += log.size - before;
      ahead += log.size - before;
      // Others have their turn now and then.
      if (ahead < AT_A_TIME) continue;
      await appended;
      ahead = 0;
    }
    // What has been emitted is part of the state, and is not emitted again.
    await events.durable();
    await log.append({ kind: 'carried_all', of: place });
    inbox.advance(place);
    this.#carried = carried;
  }
}
