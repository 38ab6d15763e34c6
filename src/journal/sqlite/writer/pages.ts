import type { ChainEvent } from '../../../model/event.ts';
import { Page, packed, pageOf } from '../page.ts';
import type { Statements } from './statements.ts';

/** The seqs of the events of a page; none is missing between them. */
export interface SeqRange {
  readonly first: number;
  readonly last: number;
}

/** A page, as far as it concerns whoever asked. */
export interface KeptPage extends SeqRange {
  readonly page: Page;
  /** As it is stored. */
  readonly bytes: Uint8Array;
}

/** Events of a page that is packed: about as many, and not more unless they came together. */
const PACKED = 2_048;
/** Pages in memory, for whoever reads events one by one. */
const KEPT = 8;

/** The event log in the file: pages are added at one end and removed, whole, at the other. */
export class Pages {
  readonly #sql: Statements;
  readonly #onLost: (range: SeqRange) => void;
  readonly #kept = new Map<number, KeptPage>();

  /** @param onLost told of a page that is not as it was written: its events are passed over */
  constructor(sql: Statements, onLost: (range: SeqRange) => void = () => {}) {
    this.#sql = sql;
    this.#onLost = onLost;
  }

  add(first: number, bytes: Uint8Array, page: Page): void {
    this.#insert(first, bytes, page, 0);
  }

  #insert(first: number, bytes: Uint8Array, page: Page, isPacked: 0 | 1): void {
    let oldest = Number.POSITIVE_INFINITY;
    let newest = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < page.count; i += 1) {
      oldest = Math.min(oldest, page.time(i));
      newest = Math.max(newest, page.time(i));
    }
    this.#sql.run(
      'insert into page (first, last, oldest, newest, is_packed, body) values (?, ?, ?, ?, ?, ?)',
      first,
      first + page.count - 1,
      oldest,
      newest,
      isPacked,
      bytes,
    );
  }

  /**
   * Packs the oldest pages that are not packed, small ones together.
   * @param before the seq that all their events are before
   * @returns whether there may be more of them
   */
  pack(before: number): boolean {
    const chosen: SeqRange[] = [];
    let count = 0;
    let isEnough = false;
    for (const row of this.#sql
      .prepare('select first, last from page where is_packed = 0 order by first limit ?')
      .all(PACKED)) {
      const range = { first: Number(row.first), last: Number(row.last) };
      if (range.last >= before) break;
      const size = range.last - range.first + 1;
      const previous = chosen.at(-1);
      isEnough = previous !== undefined && (previous.last + 1 !== range.first || count + size > PACKED);
      if (isEnough) break;
      chosen.push(range);
      count += size;
    }
    // Small ones wait for more.
    if (!isEnough && count < PACKED / 2) return false;
    const pages = chosen.flatMap((range) => this.#read(range) ?? []);
    const [first] = pages;
    // What cannot be read is lost, and removed first.
    if (!first || pages.length < chosen.length) return false;
    if (pages.length === 1)
      this.#sql.run(
        'update page set is_packed = 1, body = ? where first = ?',
        packed(first.bytes),
        first.first,
      );
    else {
      const bytes = pageOf(pages.flatMap(eventsOf));
      for (const page of pages) this.remove(page);
      this.#insert(first.first, packed(bytes), new Page(bytes), 1);
    }
    return true;
  }

  /** The seqs of the pages that have events after one seq and up to another. */
  ranges(after: number, upTo: number): SeqRange[] {
    return this.#sql
      .prepare(
        `select first, last from page
         where first >= coalesce((select max(first) from page where first <= ?), 0) and first <= ? order by first`,
      )
      .all(after + 1, upTo)
      .map(({ first, last }) => ({ first: Number(first), last: Number(last) }))
      .filter(({ last }) => last > after);
  }

  /** Those pages, each read when its turn comes. */
  *between(after: number, upTo: number): Generator<KeptPage> {
    for (const range of this.ranges(after, upTo)) {
      const page = this.#read(range);
      if (page) yield page;
    }
  }

  /** The page of one event; undefined if that is not there. */
  of(seq: number): KeptPage | undefined {
    const row = this.#sql
      .prepare('select first, last from page where first <= ? order by first desc limit 1')
      .get(seq);
    if (!row || Number(row.last) < seq) return undefined;
    const range = { first: Number(row.first), last: Number(row.last) };
    const page = this.#kept.get(range.first) ?? this.#read(range);
    if (!page) return undefined;
    this.#kept.delete(range.first);
    this.#kept.set(range.first, page);
    for (const first of this.#kept.keys()) {
      if (this.#kept.size <= KEPT) break;
      this.#kept.delete(first);
    }
    return page;
  }

  /** When an event happened; undefined if it is not there. */
  time(seq: number): number | undefined {
    const found = this.of(seq);
    return found?.page.time(seq - found.first);
  }

  /** How many events there are after one seq and up to another. */
  count(after: number, upTo: number): number {
    return this.ranges(after, upTo).reduce(
      (sum, { first, last }) => sum + Math.min(last, upTo) - Math.max(first - 1, after),
      0,
    );
  }

  /** The seq of the newest event, 0 where there is none. */
  get last(): number {
    return this.#sql.number('select last from page order by first desc limit 1');
  }

  /** Writes a page anew, with as many events. */
  rewrite({ first, page, bytes }: KeptPage, changed: (event: ChainEvent) => ChainEvent): void {
    this.#kept.delete(first);
    const written = pageOf(Array.from({ length: page.count }, (_, at) => changed(page.event(at))));
    const isPacked = new Uint32Array(bytes.slice(0, 8).buffer)[1] === 1;
    this.#sql.run('update page set body = ? where first = ?', isPacked ? packed(written) : written, first);
  }

  /** Removes a page. */
  remove({ first }: SeqRange): void {
    this.#kept.delete(first);
    this.#sql.run('delete from page where first = ?', first);
  }

  /** Removed by somebody else meanwhile: then there is nothing to read. */
  #read(range: SeqRange): KeptPage | undefined {
    const row = this.#sql.prepare('select body from page where first = ?').get(range.first);
    if (!row) return undefined;
    try {
      const bytes = row.body as Uint8Array;
      return { ...range, page: new Page(bytes), bytes };
    } catch {
      this.#onLost(range);
      return undefined;
    }
  }
}

function eventsOf({ page }: KeptPage): ChainEvent[] {
  return Array.from({ length: page.count }, (_, at) => page.event(at));
}
