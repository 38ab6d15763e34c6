import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { ConsumerId } from './schema.ts';

/** What a sweep is to remove. */
export interface SweepAim {
  /** Events that happened before this, milliseconds since the Unix epoch. */
  readonly before: number;
  /** Dead letters too: only where there is no other room. */
  readonly deadLetters: boolean;
  /** Consumers that count: what one of these has still to hear stays. */
  readonly consumers: readonly ConsumerId[];
}

export interface Swept {
  /** Events that were removed. */
  readonly events: number;
  /** Dead letters among them. */
  readonly dead: number;
  /** Runs of which nothing is left. */
  readonly runIds: readonly string[];
}

/** Events that are looked at, and so removed, in one step: what waits behind it waits some milliseconds. */
const SPAN = 2_000;

/**
 * Removes events that nobody has still to hear, oldest first, a few at a time, going round and round the log
 * (what is pinned by a slow consumer stays in the way, and what lies behind it is still removed). Those of a run that the
 * inbox speaks of stay: it is by what is kept that a receiver's repeats are recognised.
 */
export class Sweep {
  readonly #db: DatabaseSync;
  readonly #oldest: StatementSync;
  readonly #event: StatementSync;
  readonly #deliveries: StatementSync;
  readonly #run: StatementSync;
  readonly #candidates = new Map<string, StatementSync>();
  /** How far this round is. */
  #at = 0;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#oldest = db.prepare('select seq, time from event where seq > ? order by seq limit 1');
    this.#event = db.prepare('delete from event where seq = ?');
    this.#deliveries = db.prepare(
      'delete from delivery where seq = ? and consumer in (select consumer from consumer)',
    );
    this.#run = db.prepare(
      'delete from run where run = ? and not exists (select 1 from event where event.run = run.run) returning run_id',
    );
  }

  /** One step. To be called within a transaction. @returns undefined at the end of a round */
  step({ before, deadLetters, consumers }: SweepAim): Swept | undefined {
    const next = this.#oldest.get(this.#at);
    if (!next || Number(next.time) >= before) {
      this.restart();
      return undefined;
    }
    const from = Number(next.seq) - 1;
    this.#at = from + SPAN;
    const rows = this.#statement(deadLetters, consumers.length).all(
      from,
      this.#at,
      before,
      ...consumers,
      ...consumers,
    );
    const runs = new Set<number>();
    let dead = 0;
    for (const { seq, run, letters } of rows) {
      this.#deliveries.run(Number(seq));
      this.#event.run(Number(seq));
      runs.add(Number(run));
      dead += Number(letters);
    }
    const runIds = [...runs].flatMap((run) => {
      const gone = this.#run.get(run);
      return gone ? [String(gone.run_id)] : [];
    });
    return { events: rows.length, dead, runIds };
  }

  /** Begins a new round: there may be something to remove at the old end of the log. */
  restart(): void {
    this.#at = 0;
  }

  #statement(deadLetters: boolean, consumers: number): StatementSync {
    const key = `${deadLetters} ${consumers}`;
    let statement = this.#candidates.get(key);
    if (!statement) {
      const marks = Array(consumers).fill('?').join(', ');
      const kept = deadLetters ? `'retry', 'queued'` : `'retry', 'queued', 'dead', 'failed'`;
      statement = this.#db.prepare(
        `select seq, run, (select count(*) from delivery d where d.seq = e.seq and d.state in ('dead', 'failed')
                           and d.consumer in (select consumer from consumer)) as letters
         from event e where seq > ? and seq <= ? and time < ?
         and not exists (select 1 from inbox i join run r on r.run_id = i.run_id where r.run = e.run)
         and not exists (select 1 from consumer c where c.consumer in (${marks}) and e.seq > c.position
           and not exists (select 1 from delivery d where d.consumer = c.consumer and d.seq = e.seq
             and d.state not in ('retry', 'queued')))
         and not exists (select 1 from consumer c join delivery d on d.consumer = c.consumer and d.seq = e.seq
           where c.consumer in (${marks}) and d.state in (${kept}))`,
      );
      this.#candidates.set(key, statement);
    }
    return statement;
  }
}
