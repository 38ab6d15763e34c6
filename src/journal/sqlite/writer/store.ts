import { DatabaseSync } from 'node:sqlite';
import { VconOtelError } from '../../../model/error.ts';
import { makePrivateFile } from '../../../persistence/private-file.ts';
import { syncFileSync } from '../../../persistence/sync-path.ts';
import type { InputBlock } from '../input-block.ts';
import type { FlatAnswers } from '../messages.ts';
import { Page, pageOf } from '../page.ts';
import { forgetAnswers, HeardBlocks } from './heard.ts';
import { InputBlocks } from './input-blocks.ts';
import { Pages, type SeqRange } from './pages.ts';
import { type BacklogCounts, Reader } from './reader.ts';
import { RunIndex } from './run-index.ts';
import { type ConsumerId, migrate } from './schema.ts';
import { Statements } from './statements.ts';

/** A consumer with its position and its backlog. */
export interface AttachedConsumer extends BacklogCounts {
  readonly consumer: ConsumerId;
  readonly position: number;
}

/** Milliseconds to wait for the command line, which writes in short steps. */
const BUSY_TIMEOUT = 5_000;
/** Events and answers from which on the write-ahead log is worked into the file; so many bytes of input are as much. */
const CHECKPOINT = 8_000;
const BYTES = 400;

/** Answers of one statement: most of what a single one takes is the call. */
const ANSWERS_AT_ONCE = 16;
const UPSERT = upsert(1);
const UPSERT_MANY = upsert(ANSWERS_AT_ONCE);

/** The journal's file, as its writer sees it: synchronous, with one connection. */
export class Store {
  readonly db: DatabaseSync;
  readonly reader: Reader;
  readonly input: InputBlocks;
  readonly heard: HeardBlocks;
  readonly pages: Pages;
  readonly runs: RunIndex;
  /** Tells the journal from every other. */
  readonly id: string;
  readonly #path: string;
  readonly sql: Statements;
  /** Pages that cannot be read. */
  #lost: SeqRange[] = [];
  #last: number;
  #sinceCheckpoint = 0;
  /** Bytes; fixed when the file was made. */
  readonly #pageSize: number;

  /**
   * Opens a journal, or makes one.
   * @param last the last seq that was given, where the file is to go on after another one
   * @throws VconOtelError `FILE_UNUSABLE`; SQLite's own errors
   */
  constructor(path: string, last = 0) {
    this.#path = path;
    makePrivateFile(path);
    this.db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT });
    this.sql = new Statements(this.db);
    this.pages = new Pages(this.sql, (range) => this.#lost.push(range));
    this.reader = new Reader(this.sql, this.pages);
    this.input = new InputBlocks(this.sql);
    this.heard = new HeardBlocks(this.sql);
    try {
      migrate(this.db);
      // SQLite would not say that a checkpoint of its own has failed, and would try again with the same handle.
      this.db.exec('pragma synchronous = full; pragma wal_autocheckpoint = 0; pragma cache_size = -8000');
      this.#pageSize = this.sql.number('pragma page_size');
      this.id = String(this.db.prepare('select journal from identity').get()?.journal);
      // A seq is never given twice, even where everything up to it has been removed.
      this.#last = Math.max(last, this.pages.last, this.sql.number('select max(position) from consumer'));
      this.runs = new RunIndex(this.sql, this.pages, { toldOnce: this.input.toldOnce(), end: this.#last });
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
    this.sql.run('begin immediate');
    try {
      const result = work();
      this.sql.run('commit');
      return result;
    } catch (error) {
      if (this.db.isTransaction) this.db.exec('rollback');
      throw error;
    }
  }

  /**
   * Adds the events of a page (`pageOf`).
   * @returns those that were kept already, by their place in it, with their seqs
   */
  append(bytes: Uint8Array): ReadonlyMap<number, number> {
    const page = new Page(bytes);
    const before = this.#last;
    const repeats = new Map<number, number>();
    for (let i = 0; i < page.count; i += 1) {
      const seq = this.runs.note(page.runId(i), page.step(i), this.#last + 1);
      if (seq > this.#last) this.#last = seq;
      else repeats.set(i, seq);
    }
    if (repeats.size === 0) this.pages.add(before + 1, bytes, page);
    else if (this.#last > before) {
      const news = Array.from({ length: page.count }, (_, i) => i).filter((i) => !repeats.has(i));
      const rest = pageOf(news.map((i) => page.event(i)));
      this.pages.add(before + 1, rest, new Page(rest));
    }
    this.runs.save();
    this.#sinceCheckpoint += page.count;
    return repeats;
  }

  /** Removes a page, and what is recorded of its events. */
  remove(range: SeqRange): void {
    this.pages.remove(range);
    this.runs.removed(range.last);
    forgetAnswers(this.sql, range, (part) => this.pages.ranges(part.first - 1, part.last).length > 0);
  }

  /** Removes the pages that turned out not to be as they were written. @returns what is lost */
  removeLost(): readonly SeqRange[] {
    const lost = this.#lost.splice(0);
    if (lost.length > 0)
      this.transaction(() => {
        for (const range of lost) this.remove(range);
      });
    return lost;
  }

  /** Appends entries to the input log: what is told from them comes after the newest event. */
  keep(entries: InputBlock): void {
    this.input.append(entries, this.#last);
    this.#sinceCheckpoint += entries.block.byteLength / BYTES;
  }

  /** Notes what became of events. What an operator has skipped stays skipped. */
  answer(answers: FlatAnswers): void {
    const many = 8 * ANSWERS_AT_ONCE;
    let i = 0;
    for (; i + many <= answers.length; i += many)
      this.sql.prepare(UPSERT_MANY).run(...answers.slice(i, i + many));
    for (; i < answers.length; i += 8) this.sql.prepare(UPSERT).run(...answers.slice(i, i + 8));
    this.#sinceCheckpoint += answers.length / 8;
  }

  move(consumer: ConsumerId, position: number): void {
    this.sql.run('update consumer set position = max(position, ?) where consumer = ?', position, consumer);
  }

  /** The position of a consumer; that of a new one is at a given end of the log. */
  attach(name: string, end: number): AttachedConsumer {
    this.sql.run('insert into consumer (name, position) values (?, ?) on conflict do nothing', name, end);
    const found = this.sql.prepare('select consumer, position from consumer where name = ?').get(name);
    const { consumer, position } = { consumer: Number(found?.consumer), position: Number(found?.position) };
    return { consumer, position, ...this.reader.backlog(consumer, position) };
  }

  /** Puts a consumer into a new file, where it had a position in an old one. */
  reinstate(name: string, consumer: ConsumerId): void {
    this.sql.run(
      'insert into consumer (consumer, name, position) values (?, ?, ?) on conflict do nothing',
      consumer,
      name,
      this.#last,
    );
  }

  /** Every consumer that has a position, whether it is there or not. */
  consumers(): ConsumerId[] {
    return this.sql
      .prepare('select consumer from consumer')
      .all()
      .map(({ consumer }) => Number(consumer));
  }

  /** Works the write-ahead log into the file, when there is enough of it. */
  checkpoint(): void {
    if (this.#sinceCheckpoint < CHECKPOINT) return;
    this.#sinceCheckpoint = 0;
    this.sql.number('pragma wal_checkpoint(passive)');
  }

  /**
   * Works all of the write-ahead log into the file, and begins it anew. What it says need not be on the disk: after a
   * synchronisation that failed the next one succeeds without it, and what follows it in the log would be lost with it.
   * @param isDue whether nothing may be written before
   * @throws VconOtelError `JOURNAL_IN_USE` where it is due, and somebody reads for too long
   */
  renewLog(isDue: boolean): void {
    const isBusy = this.sql.number('pragma wal_checkpoint(truncate)') !== 0;
    if (isBusy && isDue)
      throw new VconOtelError('JOURNAL_IN_USE', 'the journal is being read by another process');
    if (!isBusy) syncFileSync(`${this.#path}-wal`);
  }

  /** Changes when another connection has written. */
  get dataVersion(): number {
    return this.sql.number('pragma data_version');
  }

  /** Bytes in use, without those that the next events will be written over. */
  get size(): number {
    const pages = this.sql.number('pragma page_count') - this.sql.number('pragma freelist_count');
    return pages * this.#pageSize;
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
}

function upsert(answers: number): string {
  return `insert into delivery (consumer, seq, state, attempts, since, at, duration, error_type)
    values ${Array.from({ length: answers }, () => '(?, ?, ?, ?, ?, ?, ?, ?)').join(', ')}
    on conflict do update set state = excluded.state, attempts = excluded.attempts, since = excluded.since,
      at = excluded.at, duration = excluded.duration, error_type = excluded.error_type
    where state <> 'skipped'`;
}
