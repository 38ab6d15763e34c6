import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Facts } from '../model/received.ts';
import type { BelievedTimes } from './claimed-times.ts';
import type { MoreEntry, ReceivedEntry } from './received-entry.ts';
import { countOf, someOf } from './take-facts.ts';

/** Facts that are taken before others have their turn. */
const AT_ONCE = 128;

/**
 * Divides what comes: its first facts are taken at once, and more of them later, each time after an entry of the log that says
 * how many. Of what is long, one is taken after the other, so that such an entry need not say of which.
 */
export class Intake {
  #underWay: Promise<void> | undefined;

  /** Does something as soon as nothing is taken in part: at that very moment, before the next is begun. */
  async whenIdle<T>(act: () => Promise<T>): Promise<T> {
    while (this.#underWay) await this.#underWay;
    return act();
  }

  /** Takes what came. @param hand is to log an entry, and to take the facts that it stands for */
  async take(
    came: Pick<ReceivedEntry, 'received'> & { readonly window: BelievedTimes },
    facts: Facts,
    hand: (entry: (ReceivedEntry & { readonly window: BelievedTimes }) | MoreEntry, facts: Facts) => void,
  ): Promise<void> {
    const count = countOf(facts);
    if (count === 0) return;
    if (count <= AT_ONCE) {
      hand({ kind: 'received', ...came, count }, facts);
      return;
    }
    while (this.#underWay) await this.#underWay;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#underWay = promise;
    try {
      hand({ kind: 'received', ...came, count: AT_ONCE }, someOf(facts, 0, AT_ONCE));
      for (let from = AT_ONCE; from < count; from += AT_ONCE) {
        await nextTurn();
        const some = someOf(facts, from, AT_ONCE);
        hand({ kind: 'more', count: countOf(some) }, some);
      }
    } finally {
      this.#underWay = undefined;
      resolve();
    }
  }
}
