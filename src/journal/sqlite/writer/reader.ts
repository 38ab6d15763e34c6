import type { ChainEvent } from '../../../model/event.ts';
import type { Progress } from '../../event-log.ts';
import type { Query, QueryResult, StoredRow, StoredRows } from '../messages.ts';
import { pageOf } from '../page.ts';
import { HeardEvents, lastAnswered } from './heard.ts';
import type { Pages } from './pages.ts';
import type { ConsumerId } from './schema.ts';
import type { Statements } from './statements.ts';

/** What a consumer has to hear, beyond its position and again. */
export interface BacklogCounts {
  /** Events after the position that are not settled, and when the oldest of them happened. */
  readonly pending: number;
  readonly oldest: number | undefined;
  /** Asked for again, up to the position. */
  readonly queued: number;
  readonly dead: number;
}

/** Events that are read at once, and how far is looked for them. */
const ENOUGH = 1_000;
const SPAN = 20_000;
/** Says nothing new where another state is asked for, but lets SQLite use the index of what is not ok. */
const NOT_OK = `state <> 'ok'`;

/** What consumers are told of the journal's file. */
export class Reader {
  readonly #sql: Statements;
  readonly #pages: Pages;

  constructor(sql: Statements, pages: Pages) {
    this.#sql = sql;
    this.#pages = pages;
  }

  backlog(consumer: ConsumerId, position: number): BacklogCounts {
    const { pending, oldest } = this.pending(consumer, position);
    return {
      pending,
      oldest: oldest === undefined ? undefined : this.#pages.time(oldest),
      queued: this.#queued(consumer, position),
      dead: this.#dead(consumer),
    };
  }

  /** What a consumer has still to hear after one seq and up to another, and how far was looked for it. */
  page(consumer: ConsumerId, after: number, upTo: number): StoredRows & { upTo: number } {
    const end = Math.min(upTo, after + SPAN);
    const pages: Uint8Array[] = [];
    const rows: StoredRow[] = [];
    for (const { first, last, bytes } of this.#pages.between(after, end)) {
      const answers = new HeardEvents(this.#sql, consumer, { first, last });
      pages.push(bytes);
      for (let seq = Math.max(first, after + 1); seq <= Math.min(last, end); seq += 1) {
        if (!answers.isOpen(seq)) continue;
        if (rows.length === ENOUGH) return { pages, rows, upTo: seq - 1 };
        rows.push(rowOf(pages.length - 1, seq - first, seq, answers));
      }
    }
    return { pages, rows, upTo: end };
  }

  find(query: Query): QueryResult {
    switch (query.query) {
      case 'again':
        return this.#findAgain(query);
      case 'changes':
        return this.#findChanges(query);
      case 'progress': {
        const { consumers, seqs } = query;
        return { query: 'progress', progress: consumers.map((consumer) => this.#progress(consumer, seqs)) };
      }
    }
  }

  /** Events after a seq that a consumer has not settled, and the seq of the first of them. */
  pending(consumer: ConsumerId, after: number): { pending: number; oldest: number | undefined } {
    const end = Math.max(after, lastAnswered(this.#sql, consumer));
    let pending = 0;
    let oldest: number | undefined;
    for (const { first, last } of this.#pages.ranges(after, end)) {
      const answers = new HeardEvents(this.#sql, consumer, { first, last });
      for (let seq = Math.max(first, after + 1); seq <= Math.min(last, end); seq += 1)
        if (answers.isOpen(seq)) {
          pending += 1;
          oldest ??= seq;
        }
    }
    const later = this.#pages.ranges(end, Number.MAX_SAFE_INTEGER)[0];
    return {
      pending: pending + this.#pages.count(end, Number.MAX_SAFE_INTEGER),
      oldest: oldest ?? (later && Math.max(later.first, end + 1)),
    };
  }

  #progress(consumer: ConsumerId, seqs: readonly number[]): Progress[] {
    const position = this.#sql.number('select position from consumer where consumer = ?', consumer);
    return seqs.map((seq) => {
      const state = new HeardEvents(this.#sql, consumer, { first: seq, last: seq }).state(seq);
      const isOpen = state === undefined ? seq > position : state === 'retry' || state === 'queued';
      return isOpen ? 'pending' : state === 'dead' ? 'dead' : 'settled';
    });
  }

  #findAgain({ consumer, after, upTo }: Extract<Query, { query: 'again' }>): QueryResult {
    const seqs = this.#sql
      .prepare(
        `select seq from delivery where consumer = ? and state = 'queued' and ${NOT_OK} and seq > ? and seq <= ?
         order by seq limit ${ENOUGH}`,
      )
      .all(consumer, after, upTo)
      .map(({ seq }) => Number(seq));
    const events: ChainEvent[] = [];
    const rows: StoredRow[] = [];
    for (const seq of seqs) {
      const found = this.#pages.of(seq);
      if (!found) continue;
      const answers = new HeardEvents(this.#sql, consumer, { first: seq, last: seq });
      rows.push(rowOf(0, events.push(found.page.event(seq - found.first)) - 1, seq, answers));
    }
    return { query: 'again', pages: [pageOf(events)], rows };
  }

  #findChanges({ consumer, cursor, unsettled, first }: Extract<Query, { query: 'changes' }>): QueryResult {
    // In this order, each is looked up by its key: SQLite would go through all deliveries of the consumer, and for each of
    // these through all that is unsettled.
    const held = this.#sql
      .prepare(
        `select d.seq, d.state from json_each(?) h cross join delivery d on d.consumer = ? and d.seq = h.value
         where d.state in ('skipped', 'queued')`,
      )
      .all(JSON.stringify(unsettled), consumer);
    const ahead = this.#sql
      .prepare(
        `select seq, state from delivery
         where consumer = ? and state in ('skipped', 'queued') and ${NOT_OK} and seq > ? and seq >= ?`,
      )
      .all(consumer, cursor, first);
    const decided = [...held, ...ahead];
    return {
      query: 'changes',
      ahead: this.pending(consumer, cursor).pending,
      again: this.#queued(consumer, cursor) - held.filter(({ state }) => state === 'queued').length,
      dead: this.#dead(consumer),
      skipped: decided.flatMap(({ seq, state }) => (state === 'skipped' ? [Number(seq)] : [])),
      asked: decided.flatMap(({ seq, state }) => (state === 'queued' ? [Number(seq)] : [])),
    };
  }

  /** How much of the log up to a seq is to be heard again. */
  #queued(consumer: ConsumerId, upTo: number): number {
    return this.#sql.number(
      `select count(*) from delivery where consumer = ? and state = 'queued' and ${NOT_OK} and seq <= ?`,
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
}

function rowOf(page: number, at: number, seq: number, answers: HeardEvents): StoredRow {
  const { attempts = 0, since = 0, errorType } = answers.rows.get(seq) ?? {};
  return { page, at, seq, attempts, since, errorType };
}
