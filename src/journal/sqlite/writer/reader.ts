import type { SQLInputValue } from 'node:sqlite';
import type { Finding, PageRow, Query } from '../messages.ts';
import type { ConsumerId } from './schema.ts';
import type { Statements } from './statements.ts';

/** How a consumer stands, beyond its position. */
export interface Standing {
  /** Events after the position that are not settled, and when the oldest of them happened. */
  readonly pending: number;
  readonly oldest: number | undefined;
  /** Asked for again, up to the position. */
  readonly queued: number;
  readonly dead: number;
}

/** Events in a page at most, and how far is looked for them. */
const PAGE = 1_000;
const SPAN = 20_000;
/** Says nothing new where another state is asked for, but lets SQLite use the index of what is not ok. */
const NOT_OK = `state <> 'ok'`;
const COLUMNS =
  'e.seq, r.run_id, r.chain, r.vcon_uuid, e.step, e.time, e.body, d.attempts, d.since, d.error_type';

/** What consumers are told of the journal's file. */
export class Reader {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  standing(consumer: ConsumerId, position: number): Standing {
    const oldest = this.#sql
      .prepare(
        `select e.time from event e left join delivery d on d.consumer = ? and d.seq = e.seq
         where e.seq > ? and (d.state is null or d.state in ('retry', 'queued')) order by e.seq limit 1`,
      )
      .get(consumer, position)?.time;
    return {
      pending: this.#pending(consumer, position),
      oldest: oldest === undefined ? undefined : Number(oldest),
      queued: this.#queued(consumer, position),
      dead: this.#dead(consumer),
    };
  }

  /** What a consumer has still to hear after one seq and up to another, and how far was looked for it. */
  page(consumer: ConsumerId, after: number, upTo: number): { rows: PageRow[]; upTo: number } {
    const end = Math.min(upTo, after + SPAN);
    const rows = this.#rows(
      `select ${COLUMNS} from event e join run r using (run)
       left join delivery d on d.consumer = ? and d.seq = e.seq
       where e.seq > ? and e.seq <= ? and (d.state is null or d.state in ('retry', 'queued'))
       order by e.seq limit ${PAGE}`,
      consumer,
      after,
      end,
    );
    return { rows, upTo: rows.length === PAGE ? (rows.at(-1)?.seq ?? end) : end };
  }

  find(query: Query): Finding {
    if (query.query === 'settled') return this.#findSettled(query);
    return query.query === 'again' ? this.#findAgain(query) : this.#findStanding(query);
  }

  #findSettled({ consumer, seq }: Extract<Query, { query: 'settled' }>): Finding {
    const state = this.#sql
      .prepare('select state from delivery where consumer = ? and seq = ?')
      .get(consumer, seq)?.state;
    const isBehind = this.#sql.number('select position from consumer where consumer = ?', consumer) >= seq;
    const isOpen = state === undefined ? !isBehind : state === 'retry' || state === 'queued';
    return { query: 'settled', standing: isOpen ? 'pending' : state === 'dead' ? 'dead' : 'settled' };
  }

  #findAgain({ consumer, after, upTo }: Extract<Query, { query: 'again' }>): Finding {
    const rows = this.#rows(
      `select ${COLUMNS} from delivery d join event e using (seq) join run r using (run)
       where d.consumer = ? and d.state = 'queued' and ${NOT_OK} and d.seq > ? and d.seq <= ?
       order by d.seq limit ${PAGE}`,
      consumer,
      after,
      upTo,
    );
    return { query: 'again', rows };
  }

  #findStanding({ consumer, cursor, inHand, first }: Extract<Query, { query: 'standing' }>): Finding {
    // In this order, each is looked up by its key: SQLite would go through all deliveries of the consumer, and for each of
    // these through all that is in hand.
    const held = this.#sql
      .prepare(
        `select d.seq, d.state from json_each(?) h cross join delivery d on d.consumer = ? and d.seq = h.value
         where d.state in ('skipped', 'queued')`,
      )
      .all(JSON.stringify(inHand), consumer);
    const ahead = this.#sql
      .prepare(
        `select seq, state from delivery
         where consumer = ? and state in ('skipped', 'queued') and ${NOT_OK} and seq > ? and seq >= ?`,
      )
      .all(consumer, cursor, first);
    const decided = [...held, ...ahead];
    return {
      query: 'standing',
      ahead: this.#pending(consumer, cursor),
      again: this.#queued(consumer, cursor) - held.filter(({ state }) => state === 'queued').length,
      dead: this.#dead(consumer),
      skipped: decided.flatMap(({ seq, state }) => (state === 'skipped' ? [Number(seq)] : [])),
      asked: decided.flatMap(({ seq, state }) => (state === 'queued' ? [Number(seq)] : [])),
    };
  }

  /** Events after a seq that a consumer has not settled. */
  #pending(consumer: ConsumerId, after: number): number {
    const settled = this.#sql.number(
      `select count(*) from delivery join event using (seq)
       where consumer = ? and seq > ? and state not in ('retry', 'queued')`,
      consumer,
      after,
    );
    return this.#sql.number('select count(*) from event where seq > ?', after) - settled;
  }

  /** How much of the log up to a seq is to be heard again. */
  #queued(consumer: ConsumerId, upTo: number): number {
    return this.#sql.number(
      `select count(*) from delivery join event using (seq)
       where consumer = ? and state = 'queued' and ${NOT_OK} and seq <= ?`,
      consumer,
      upTo,
    );
  }

  #dead(consumer: ConsumerId): number {
    return this.#sql.number(
      `select count(*) from delivery where consumer = ? and state in ('dead', 'failed') and ${NOT_OK}`,
      consumer,
    );
  }

  #rows(sql: string, ...values: SQLInputValue[]): PageRow[] {
    return this.#sql
      .prepare(sql)
      .all(...values)
      .map((row) => ({
        seq: Number(row.seq),
        event: [
          String(row.run_id),
          String(row.chain),
          String(row.vcon_uuid),
          String(row.step),
          Number(row.time),
          String(row.body),
        ],
        attempts: Number(row.attempts ?? 0),
        since: Number(row.since ?? 0),
        errorType: row.error_type === null ? undefined : String(row.error_type),
      }));
  }
}
