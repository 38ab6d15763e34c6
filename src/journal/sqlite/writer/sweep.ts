import { HeardEvents } from './heard.ts';
import type { SeqRange } from './pages.ts';
import type { ConsumerId } from './schema.ts';
import type { Store } from './store.ts';

/** What a sweep is to remove. */
export interface SweepAim {
  /** Events that happened before this, milliseconds since the Unix epoch. */
  readonly before: number;
  /** And whose seq is not greater than this. */
  readonly upTo: number;
  /** Dead letters too: only where there is no other room. */
  readonly deadLetters: boolean;
  /** Consumers that count: what one of these has still to hear stays. */
  readonly consumers: readonly ConsumerId[];
}

export interface Swept {
  /** Pages that were removed. */
  readonly pages: number;
  /** Dead letters among their events. */
  readonly dead: number;
}

/** Events that are looked at, and so removed, in one step: what waits behind it waits some milliseconds. */
const SPAN = 20_000;

/**
 * Removes pages of whose events none is still to be heard, oldest first, a few at a time, going round and round the log
 * (what is pinned by a slow consumer stays in the way, and what lies behind it is still removed).
 */
export class Sweep {
  readonly #store: Store;
  /** How far this round is. */
  #at = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** One step. To be called within a transaction. @returns undefined at the end of a round */
  step(aim: SweepAim): Swept | undefined {
    let end: number | undefined;
    const next = this.#store.sql.prepare(
      'select first, last, oldest, newest from page where first > ? order by first limit 1',
    );
    let pages = 0;
    let dead = 0;
    for (let row = next.get(this.#at); ; row = next.get(this.#at)) {
      if (!row || Number(row.oldest) >= aim.before || Number(row.first) > aim.upTo) {
        this.restart();
        return pages > 0 ? { pages, dead } : undefined;
      }
      const range = { first: Number(row.first), last: Number(row.last) };
      this.#at = range.first;
      end ??= range.first + SPAN;
      if (Number(row.newest) < aim.before && range.last <= aim.upTo && !this.#isNeeded(range, aim)) {
        dead += this.#deadLetters(range);
        pages += 1;
        this.#store.remove(range);
      }
      if (this.#at >= end) return { pages, dead };
    }
  }

  /** Begins a new round: there may be something to remove at the old end of the log. */
  restart(): void {
    this.#at = 0;
  }

  #isNeeded(range: SeqRange, { consumers, deadLetters }: SweepAim): boolean {
    const kept = deadLetters ? OPEN : `${OPEN}, 'dead', 'failed'`;
    const pinned = this.#store.sql.prepare(
      `select 1 from delivery where consumer = ? and seq >= ? and seq <= ? and state in (${kept}) and state <> 'ok' limit 1`,
    );
    return consumers.some((consumer) => {
      if (pinned.get(consumer, range.first, range.last)) return true;
      const position = this.#store.sql.number('select position from consumer where consumer = ?', consumer);
      if (position >= range.last) return false;
      const answers = new HeardEvents(this.#store.sql, consumer, range);
      for (let seq = Math.max(range.first, position + 1); seq <= range.last; seq += 1)
        if (answers.isOpen(seq)) return true;
      return false;
    });
  }

  #deadLetters({ first, last }: SeqRange): number {
    return this.#store.sql.number(
      `select count(*) from delivery where consumer in (select consumer from consumer) and seq >= ? and seq <= ?
       and state in ('dead', 'failed')`,
      first,
      last,
    );
  }
}

const OPEN = `'retry', 'queued'`;
