import type { ChainEvent } from '../../model/event.ts';
import type { GroupCommit } from './group-commit.ts';
import type { QueryResult, WriterReply } from './messages.ts';
import type { PatientWriter } from './patient-writer.ts';
import { type Row, rowsOf, type Stretch, stretchOf } from './row.ts';
import type { Window } from './window.ts';
import type { ConsumerId } from './writer/schema.ts';

/** What a backlog needs from its consumer and its journal. */
export interface BacklogSettings {
  readonly commits: GroupCommit;
  readonly writer: PatientWriter;
  readonly window: Window;
  /** The seqs of events that were read and are not settled: the file still lists them as open. */
  unsettled(): readonly number[];
  /** Called when there may be something to read again. */
  readable(): void;
}

/** What was taken from a backlog. */
export interface Taken {
  /** Requested again by an operator, and the next events of the log: first those of which the file knows more. */
  readonly again: readonly Row[];
  readonly next: readonly Row[];
  readonly rest: Stretch;
  /** Left out because an operator has skipped them. */
  readonly skipped: readonly ChainEvent[];
}

/**
 * The unread events of a consumer: first those that an operator requested again, then the log. Recent events come from
 * memory, older ones in pages from the file.
 */
export class Backlog {
  readonly #settings: BacklogSettings;
  #consumer: ConsumerId | undefined;
  /** Everything up to here has been read, or was settled before. */
  #cursor = 0;
  /** Unread and durable: beyond the cursor, and requested again before it. */
  #ahead = 0;
  #behind = 0;
  /** What was read from the file of each, and how far. */
  #page: Row[] = [];
  #pageEnd = 0;
  #isFetching = false;
  #again: Row[] = [];
  #againAfter = 0;
  #isFetchingAgain = false;
  /** Events in memory that an operator has skipped, or requested again. */
  #skipped: ReadonlySet<number> = new Set();
  #asked: ReadonlySet<number> = new Set();
  /** The last of them. */
  #decidedUpTo = 0;
  /** When the oldest event happened that may be unread. */
  #oldest: number | undefined;
  /** Up to here the log was in a file that no longer exists. */
  #lostUpTo = 0;

  constructor(settings: BacklogSettings) {
    this.#settings = settings;
  }

  get cursor(): number {
    return this.#cursor;
  }

  /** Up to here the log was in a file that no longer exists. */
  get lostUpTo(): number {
    return this.#lostUpTo;
  }

  /** Durable events in it. */
  get size(): number {
    return this.#ahead + this.#behind;
  }

  /** When the oldest event in it happened, as far as that is known. */
  get oldest(): number | undefined {
    if (this.size === 0) return undefined;
    const next = this.#again[0] ?? this.#page[0];
    return (next?.event ?? this.#settings.window.at(this.#cursor + 1))?.time ?? this.#oldest;
  }

  /** The position of its consumer is known. */
  open({ consumer, position, pending, queued, oldest }: Extract<WriterReply, { of: 'attach' }>): void {
    this.#consumer = consumer;
    this.#cursor = position;
    this.#ahead = pending;
    this.#behind = queued;
    this.#oldest = oldest;
  }

  /** So many events have become durable. */
  saved(count: number): void {
    if (this.#consumer !== undefined) this.#ahead += count;
  }

  /** Takes the next available events, at most `limit`. */
  take(limit: number): Taken {
    const again = this.#again.length > 0 ? this.#again.splice(0, limit) : [];
    this.#behind -= again.length;
    const next: Row[] = [];
    const skipped: ChainEvent[] = [];
    while (again.length + next.length < limit && !this.#isPlain) {
      const row = this.#next();
      if (!row) break;
      this.#oldest = row.event.time;
      if (this.#skipped.has(row.seq)) {
        skipped.push(row.event);
        continue;
      }
      this.#ahead -= 1;
      next.push(row);
    }
    const plain = stretchOf(next);
    if (plain) return { again, next: [], rest: plain, skipped };
    return { again, next, rest: this.#rest(limit - again.length - next.length), skipped };
  }

  /** Whether nothing is recorded of the events that come next. */
  get #isPlain(): boolean {
    return this.#page.length === 0 && this.#cursor >= this.#decidedUpTo;
  }

  #rest(limit: number): Stretch {
    const first = this.#cursor + 1;
    const events = this.#isPlain ? this.#settings.window.from(first, limit) : [];
    this.#cursor += events.length;
    this.#ahead -= events.length;
    this.#oldest = events.at(-1)?.time ?? this.#oldest;
    return { first, events };
  }

  /** Reads more from the file if there is more that is not in memory. */
  fetch(): void {
    if (this.#consumer === undefined) return;
    const isBehindWindow = this.#cursor < this.#settings.window.first - 1;
    if (this.#page.length === 0 && !this.#isFetching && isBehindWindow) void this.#fetchPage(this.#consumer);
    if (this.#behind > 0 && this.#again.length === 0 && !this.#isFetchingAgain)
      this.#fetchAgain(this.#consumer);
  }

  /** Takes over what the file says after others have changed it. */
  change({ ahead, again, skipped, asked }: Extract<QueryResult, { query: 'changes' }>): void {
    this.#page = [];
    this.#again = [];
    this.#againAfter = 0;
    this.#ahead = ahead + Math.max(0, this.#lostUpTo - this.#cursor);
    this.#behind = again;
    this.#decide(skipped, asked);
  }

  /** The file could not be read and a new one was begun: of the log up to here only what is in memory is left. */
  lose(last: number): void {
    this.#lostUpTo = last;
    this.#page = [];
    this.#again = [];
    this.#behind = 0;
    this.#cursor = Math.max(this.#cursor, Math.min(last, this.#settings.window.first - 1));
    this.#ahead = last - this.#cursor;
    this.#decide([], []);
  }

  #decide(skipped: readonly number[], asked: readonly number[]): void {
    this.#skipped = new Set(skipped);
    this.#asked = new Set(asked);
    this.#decidedUpTo = Math.max(0, ...skipped, ...asked);
  }

  /** The next available event of the log. */
  #next(): Row | undefined {
    const row = this.#page.shift();
    if (row) {
      this.#cursor = this.#page.length > 0 ? row.seq : Math.max(this.#pageEnd, row.seq);
      return row;
    }
    const seq = this.#cursor + 1;
    const event = this.#settings.window.at(seq);
    if (!event) return undefined;
    this.#cursor = seq;
    return { seq, event, isRecorded: this.#asked.has(seq) };
  }

  async #fetchPage(consumer: ConsumerId): Promise<void> {
    const { writer, window, readable } = this.#settings;
    this.#isFetching = true;
    const upTo = window.first - 1;
    const page = await writer.ask({ ask: 'page', consumer, after: this.#cursor, upTo });
    this.#isFetching = false;
    if (!page) return;
    this.#page = rowsOf(page);
    this.#pageEnd = page.upTo;
    if (this.#page.length === 0) this.#cursor = Math.max(this.#cursor, page.upTo);
    readable();
  }

  #fetchAgain(consumer: ConsumerId): void {
    this.#isFetchingAgain = true;
    let unsettled: ReadonlySet<number>;
    this.#settings.commits.query(
      () => {
        unsettled = new Set(this.#settings.unsettled());
        return { query: 'again', consumer, after: this.#againAfter, upTo: this.#cursor };
      },
      (finding) => {
        if (finding?.query !== 'again') return;
        this.#isFetchingAgain = false;
        this.#againAfter = finding.rows.at(-1)?.seq ?? 0;
        this.#again = rowsOf(finding).filter(({ seq }) => !unsettled.has(seq));
        if (finding.rows.length === 0) this.#behind = 0;
        this.#settings.readable();
      },
    );
  }
}
