import { DatabaseSync } from 'node:sqlite';
import { VconOtelError } from '../../../model/error.ts';
import type { InboxEntry } from '../../journal.ts';
import type { FlatAnswers } from '../messages.ts';
import { sync } from './file.ts';
import { Reader, type Standing } from './reader.ts';
import { type ConsumerId, migrate } from './schema.ts';
import { Statements } from './statements.ts';

/** Where a consumer stands. */
export interface Place extends Standing {
  readonly consumer: ConsumerId;
  readonly position: number;
}

/** Runs whose number is remembered: those that are under way, with room to spare. */
const KNOWN_RUNS = 20_000;
/** Milliseconds to wait for the command line, which writes in short steps. */
const BUSY_TIMEOUT = 5_000;
/** Entries of the inbox that are read at once. */
const INBOX_PAGE = 5_000;
/** Events and answers from which on the write-ahead log is worked into the file. */
const CHECKPOINT = 8_000;

/** Answers of one statement: most of what a single one takes is the call. */
const ANSWERS_AT_ONCE = 16;
const UPSERT = upsert(1);
const UPSERT_MANY = upsert(ANSWERS_AT_ONCE);

/** The journal's file, as its writer sees it: synchronous, with one connection. */
export class Store {
  readonly db: DatabaseSync;
  readonly reader: Reader;
  readonly #path: string;
  readonly #sql: Statements;
  readonly #runs = new Map<string, number>();
  #last: number;
  #sinceCheckpoint = 0;

  /**
   * Opens a journal, or makes one.
   * @param last the last seq that was given, where the file is to go on after another one
   * @throws VconOtelError `FILE_UNUSABLE`; SQLite's own errors
   */
  constructor(path: string, last = 0) {
    this.#path = path;
    this.db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT });
    this.#sql = new Statements(this.db);
    this.reader = new Reader(this.#sql);
    try {
      migrate(this.db);
      // SQLite would not say that a checkpoint of its own has failed, and would try again with the same handle.
      this.db.exec('pragma synchronous = full; pragma wal_autocheckpoint = 0; pragma cache_size = -32000');
      // A seq is never given twice, even where everything up to it has been removed.
      this.#last = Math.max(
        last,
        this.#sql.number('select max(seq) from event'),
        this.#sql.number('select max(position) from consumer'),
      );
    } catch (error) {
      this.db.close();
      throw error;
    }
  }

  /** The seq of the newest event. */
  get last(): number {
    return this.#last;
  }

  /** Does something as a whole or not at all. After an error the store is to be {@link abandon}ed. */
  transaction<T>(work: () => T): T {
    this.#sql.run('begin immediate');
    try {
      const result = work();
      this.#sql.run('commit');
      return result;
    } catch (error) {
      if (this.db.isTransaction) this.db.exec('rollback');
      throw error;
    }
  }

  /**
   * Adds events, six fields each (`StoredEvent`).
   * @returns the seq of each; one that was kept already has its old one
   */
  append(events: readonly (string | number)[]): number[] {
    const insert = this.#sql.prepare(
      'insert into event (seq, run, step, time, body) values (?, ?, ?, ?, ?) on conflict (run, step) do nothing',
    );
    const seqs: number[] = [];
    for (let i = 0; i < events.length; i += 6) {
      const run = this.#runOf(String(events[i]), String(events[i + 1]), String(events[i + 2]));
      const step = String(events[i + 3]);
      const { changes } = insert.run(this.#last + 1, run, step, Number(events[i + 4]), String(events[i + 5]));
      if (changes !== 0) {
        this.#last += 1;
        seqs.push(this.#last);
      } else seqs.push(this.#sql.number('select seq from event where run = ? and step = ?', run, step));
    }
    this.#sinceCheckpoint += seqs.length;
    return seqs;
  }

  /** Changes the inbox (flat, three fields each: `InboxChange`). */
  keep(inbox: readonly (string | number | null)[]): void {
    const put = this.#sql.prepare('insert or replace into inbox (id, run_id, body) values (?, ?, ?)');
    const remove = this.#sql.prepare('delete from inbox where id = ?');
    const rename = this.#sql.prepare('update inbox set run_id = ?2 where run_id = ?1');
    for (let i = 0; i < inbox.length; i += 3) {
      const [id = 0, run = null, text = null] = inbox.slice(i, i + 3);
      if (id === 0) rename.run(run, text);
      else if (text === null) remove.run(id);
      else put.run(id, run, text);
    }
    this.#sinceCheckpoint += inbox.length / 3;
  }

  /** What is kept, from after one id. */
  kept(after: number): InboxEntry[] {
    return this.#sql
      .prepare('select id, run_id, body from inbox where id > ? order by id limit ?')
      .all(after, INBOX_PAGE)
      .map(({ id, run_id, body }) => ({
        id: Number(id),
        runId: run_id === null ? undefined : String(run_id),
        body: String(body),
      }));
  }

  /** Notes what became of events. What an operator has skipped stays skipped. */
  answer(answers: FlatAnswers): void {
    const many = 8 * ANSWERS_AT_ONCE;
    let i = 0;
    for (; i + many <= answers.length; i += many)
      this.#sql.prepare(UPSERT_MANY).run(...answers.slice(i, i + many));
    for (; i < answers.length; i += 8) this.#sql.prepare(UPSERT).run(...answers.slice(i, i + 8));
    this.#sinceCheckpoint += answers.length / 8;
  }

  move(consumer: ConsumerId, position: number): void {
    this.#sql.run('update consumer set position = max(position, ?) where consumer = ?', position, consumer);
  }

  /** Where a consumer stands; a new one at a given end of the log. */
  attach(name: string, end: number): Place {
    this.#sql.run('insert into consumer (name, position) values (?, ?) on conflict do nothing', name, end);
    const found = this.#sql.prepare('select consumer, position from consumer where name = ?').get(name);
    const { consumer, position } = { consumer: Number(found?.consumer), position: Number(found?.position) };
    return { consumer, position, ...this.reader.standing(consumer, position) };
  }

  /** Puts a consumer into a new file, where it had its place in an old one. */
  reinstate(name: string, consumer: ConsumerId): void {
    this.#sql.run(
      'insert into consumer (consumer, name, position) values (?, ?, ?) on conflict do nothing',
      consumer,
      name,
      this.#last,
    );
  }

  /** Every consumer that has a place, whether it is there or not. */
  consumers(): ConsumerId[] {
    return this.#sql
      .prepare('select consumer from consumer')
      .all()
      .map(({ consumer }) => Number(consumer));
  }

  /** Works the write-ahead log into the file, when there is enough of it. */
  checkpoint(): void {
    if (this.#sinceCheckpoint < CHECKPOINT) return;
    this.#sinceCheckpoint = 0;
    this.#sql.number('pragma wal_checkpoint(passive)');
  }

  /**
   * Works all of the write-ahead log into the file, and begins it anew. What it says need not be on the disk: after a
   * synchronisation that failed the next one succeeds without it, and what follows it in the log would be lost with it.
   * @param isDue whether nothing may be written before
   * @throws VconOtelError `JOURNAL_IN_USE` where it is due, and somebody reads for too long
   */
  renewLog(isDue: boolean): void {
    const isBusy = this.#sql.number('pragma wal_checkpoint(truncate)') !== 0;
    if (isBusy && isDue)
      throw new VconOtelError('JOURNAL_IN_USE', 'the journal is being read by another process');
    if (!isBusy) sync(`${this.#path}-wal`);
  }

  /** Changes when another connection has written. */
  get dataVersion(): number {
    return this.#sql.number('pragma data_version');
  }

  /** Bytes in use, without those that the next events will be written over. */
  get size(): number {
    const pages = this.#sql.number('pragma page_count') - this.#sql.number('pragma freelist_count');
    return pages * this.#sql.number('pragma page_size');
  }

  /** Forgets runs that are not in the file any more. */
  forgetRuns(runIds: readonly string[]): void {
    for (const runId of runIds) this.#runs.delete(runId);
  }

  close(): void {
    this.db.close();
  }

  /**
   * Lets go of the file after an error, leaving the write-ahead log as it is: where a disk has failed to synchronise,
   * it may call what it has lost a success the next time the same handle asks.
   */
  abandon(): void {
    let other: DatabaseSync | undefined;
    try {
      // The last connection that closes works the log into the file; one that only reads cannot.
      other = new DatabaseSync(this.#path, { readOnly: true });
      other.exec('select 1 from sqlite_master');
    } catch {
      // Then it is as it would be without.
    }
    try {
      this.db.close();
    } finally {
      other?.close();
    }
  }

  #runOf(runId: string, chain: string, vconUuid: string): number {
    const known = this.#runs.get(runId);
    if (known !== undefined) return known;
    const row =
      this.#sql
        .prepare(
          'insert into run (run_id, chain, vcon_uuid) values (?, ?, ?) on conflict do nothing returning run',
        )
        .get(runId, chain, vconUuid) ?? this.#sql.prepare('select run from run where run_id = ?').get(runId);
    const run = Number(row?.run);
    this.#runs.set(runId, run);
    const [oldest] = this.#runs.keys();
    if (this.#runs.size > KNOWN_RUNS && oldest !== undefined) this.#runs.delete(oldest);
    return run;
  }
}

function upsert(answers: number): string {
  return `insert into delivery (consumer, seq, state, attempts, since, at, duration, error_type)
    values ${Array.from({ length: answers }, () => '(?, ?, ?, ?, ?, ?, ?, ?)').join(', ')}
    on conflict do update set state = excluded.state, attempts = excluded.attempts, since = excluded.since,
      at = excluded.at, duration = excluded.duration, error_type = excluded.error_type
    where state <> 'skipped'`;
}
