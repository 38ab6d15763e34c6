import type { SQLOutputValue } from 'node:sqlite';
import type { SeqRange } from './pages.ts';
import type { ConsumerId, DeliveryState } from './schema.ts';
import type { Statements } from './statements.ts';

/*
 * What consumers have heard at the first attempt, the rule: not a row for each event and consumer, but two bytes. A row of
 * `heard` has those of the events of one block: how long after the event it was heard, which is never 0, and how
 * long that took. Events that there is something else to tell of have a row of `delivery`, which counts where there are both.
 */

/** Events of a block: its bytes stay within one page of SQLite's. */
const EVENTS = 256;
/** Blocks in memory: those that the consumers are at, with room to spare. */
const KEPT = 64;
/** Steps of a code in which what it stands for doubles: exact to some 6 %, from 1 µs to 50 days. */
const PER_DOUBLING = 6;

/** A row of `delivery`. */
export interface AnswerRow {
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly since: number;
  readonly at: number;
  readonly duration: number;
  readonly errorType: string | undefined;
}

/** What is recorded of the events of a range at a consumer. */
export class HeardEvents {
  readonly rows: ReadonlyMap<number, AnswerRow>;
  readonly #blocks: ReadonlyMap<number, Uint8Array>;

  constructor(sql: Statements, consumer: ConsumerId, { first, last }: SeqRange) {
    this.rows = new Map(
      sql
        .prepare(
          `select seq, state, attempts, since, at, duration, error_type from delivery
           where consumer = ? and seq >= ? and seq <= ?`,
        )
        .all(consumer, first, last)
        .map((row) => [Number(row.seq), rowOf(row)]),
    );
    this.#blocks = new Map(
      sql
        .prepare('select block, marks from heard where consumer = ? and block >= ? and block <= ?')
        .all(consumer, Math.floor(first / EVENTS), Math.floor(last / EVENTS))
        .map(({ block, marks }) => [Number(block), marks as Uint8Array]),
    );
  }

  /** Undefined where nothing is recorded. */
  state(seq: number): DeliveryState | undefined {
    return this.rows.get(seq)?.state ?? (this.#latencyCode(seq) > 0 ? 'ok' : undefined);
  }

  /** Whether the consumer has yet to hear it, provided that it is beyond the consumer's position. */
  isOpen(seq: number): boolean {
    const state = this.state(seq);
    return state === undefined || state === 'retry' || state === 'queued';
  }

  /** How it was heard, where there is no row. */
  heard(seq: number): { latency: number; duration: number } {
    const at = 2 * (seq % EVENTS);
    return heardWith(this.#blocks.get(Math.floor(seq / EVENTS))?.subarray(at, at + 2) ?? NOTHING);
  }

  #latencyCode(seq: number): number {
    return this.#blocks.get(Math.floor(seq / EVENTS))?.[2 * (seq % EVENTS)] ?? 0;
  }
}

const NOTHING = new Uint8Array();

function rowOf(row: Record<string, SQLOutputValue>): AnswerRow {
  return {
    state: row.state as DeliveryState,
    attempts: Number(row.attempts),
    since: Number(row.since),
    at: Number(row.at),
    duration: Number(row.duration),
    errorType: row.error_type === null ? undefined : String(row.error_type),
  };
}

/** The last seq of a consumer of which something may be recorded: beyond it nothing has to be looked at one by one. */
export function lastAnswered(sql: Statements, consumer: ConsumerId): number {
  return sql.number(
    `select max(coalesce((select max(seq) from delivery where consumer = ?), 0),
                coalesce((select (max(block) + 1) * ${EVENTS} - 1 from heard where consumer = ?), 0))`,
    consumer,
    consumer,
  );
}

/** Removes all that is recorded of the events of a range, but for blocks of which there are others. */
export function forgetAnswers(
  sql: Statements,
  { first, last }: SeqRange,
  isKept: (range: SeqRange) => boolean,
): void {
  for (const { consumer } of sql.prepare('select consumer from consumer').all()) {
    sql.run(
      'delete from delivery where consumer = ? and seq >= ? and seq <= ?',
      Number(consumer),
      first,
      last,
    );
    for (let block = Math.floor(first / EVENTS); block <= Math.floor(last / EVENTS); block += 1)
      if (!isKept({ first: block * EVENTS, last: (block + 1) * EVENTS - 1 }))
        sql.run('delete from heard where consumer = ? and block = ?', Number(consumer), block);
  }
}

/** What is kept of an event that was heard: milliseconds from the event until then, and seconds that it took. */
export function markOf(latency: number, duration: number): number {
  return codeOf(latency * 1e3) | (codeOf(duration * 1e6) << 8);
}

/** The inverse of {@link markOf}, as far as it was kept. */
export function heardWith([latency = 1, duration = 1]: Uint8Array): { latency: number; duration: number } {
  return { latency: microseconds(latency) / 1e3, duration: microseconds(duration) / 1e6 };
}

function codeOf(microseconds: number): number {
  return Math.min(255, 1 + Math.round(PER_DOUBLING * Math.log2(Math.max(1, microseconds))));
}

function microseconds(code: number): number {
  // More digits than are known would say nothing.
  return code <= 1 ? 0 : Number((2 ** ((code - 1) / PER_DOUBLING)).toPrecision(3));
}

/** Writes what consumers have heard. */
export class HeardBlocks {
  readonly #sql: Statements;
  readonly #blocks = new Map<string, Block>();
  readonly #changed = new Set<Block>();
  /** The one that was changed last: what is heard comes in order. */
  #last: Block | undefined;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  /**
   * Notes events that were heard at the first attempt. What an operator has asked for meanwhile is heard with that.
   * @param heard flat: consumer, seq, `markOf`
   */
  note(heard: Float64Array): void {
    for (let from = 0; from < heard.length; ) {
      const consumer = heard[from] ?? 0;
      let to = from;
      let least = Number.POSITIVE_INFINITY;
      let most = 0;
      for (; heard[to] === consumer; to += 3) {
        const seq = heard[to + 1] ?? 0;
        least = Math.min(least, seq);
        most = Math.max(most, seq);
        this.#mark(consumer, seq, heard[to + 2] ?? 0);
      }
      this.#hearAgain(consumer, least, most, heard.subarray(from, to));
      from = to;
    }
    for (const { consumer, block, marks } of this.#changed)
      this.#sql.run(
        'insert into heard values (?, ?, ?) on conflict do update set marks = excluded.marks',
        consumer,
        block,
        marks,
      );
    this.#changed.clear();
    this.#last = undefined;
    for (const key of this.#blocks.keys()) {
      if (this.#blocks.size <= KEPT) break;
      this.#blocks.delete(key);
    }
  }

  #mark(consumer: ConsumerId, seq: number, mark: number): void {
    const number = Math.floor(seq / EVENTS);
    const last = this.#last;
    const isSame = last !== undefined && last.block === number && last.consumer === consumer;
    const block = isSame ? last : this.#blockOf(consumer, number);
    this.#last = block;
    const at = 2 * (seq % EVENTS);
    block.marks[at] = mark & 255;
    block.marks[at + 1] = mark >> 8;
  }

  #blockOf(consumer: ConsumerId, number: number): Block {
    const key = `${consumer} ${number}`;
    let block = this.#blocks.get(key);
    if (!block) {
      const marks = this.#sql
        .prepare('select marks from heard where consumer = ? and block = ?')
        .get(consumer, number)?.marks;
      block = { consumer, block: number, marks: (marks as Uint8Array) ?? new Uint8Array(2 * EVENTS) };
      this.#blocks.set(key, block);
    }
    this.#changed.add(block);
    return block;
  }

  /** An operator may have put a row there that nobody knows of yet. */
  #hearAgain(consumer: ConsumerId, from: number, to: number, heard: Float64Array): void {
    const rows = this.#sql
      .prepare(
        `select seq from delivery where consumer = ? and seq >= ? and seq <= ? and state in ('retry', 'queued')`,
      )
      .all(consumer, from, to);
    if (rows.length === 0) return;
    const seqs = new Set(heard.filter((_, index) => index % 3 === 1));
    for (const { seq } of rows)
      if (seqs.has(Number(seq)))
        this.#sql.run(
          `update delivery set state = 'ok', attempts = attempts + 1 where consumer = ? and seq = ?`,
          consumer,
          Number(seq),
        );
  }
}

interface Block {
  readonly consumer: ConsumerId;
  readonly block: number;
  readonly marks: Uint8Array;
}
