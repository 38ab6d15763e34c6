import type { ChainEvent } from '../../model/event.ts';
import type { ConsumerSettings, Delivery, DeliveryOutcome, JournalConsumer } from '../journal.ts';
import type { GroupCommit } from './group-commit.ts';
import type { Finding } from './messages.ts';
import { type Row, rowOf } from './row.ts';
import type { Window } from './window.ts';
import type { ConsumerId, DeliveryState } from './writer/schema.ts';

/** One consumer of a journal on disk: what is recent it reads from memory, what is older in pages from the file. */
export class SqliteConsumer implements JournalConsumer {
  readonly name: string;
  readonly settings: ConsumerSettings;
  readonly #commits: GroupCommit;
  readonly #window: Window;
  #id: ConsumerId | undefined;
  /** Everything up to here has been read, or had been settled before. */
  #cursor = 0;
  /** Read and not settled, in the order of the log. */
  readonly #hand = new Map<ChainEvent, Row>();
  /** As above, of what an operator asked for again. */
  readonly #handAgain = new Map<ChainEvent, Row>();
  /** Durable, to be heard and not read yet: beyond the cursor, and asked for again before it. */
  #ahead = 0;
  #behind = 0;
  /** What was read from the file of the one and of the other, and how far. */
  #page: Row[] = [];
  #pageEnd = 0;
  #fetching = false;
  #again: Row[] = [];
  #againAfter = 0;
  #fetchingAgain = false;
  /** Skipped by an operator, or asked for again, of what is to be read from memory. */
  #skipped: ReadonlySet<number> = new Set();
  #asked: ReadonlySet<number> = new Set();
  /** When the oldest event happened that may not have been read. */
  #oldest: number | undefined;
  #dead = 0;
  /** Dead letters since the file was asked for their number, as long as it has not answered. */
  #deadSince: number[] = [];
  #isAsking = false;
  /** The file is being asked where this consumer stands: meanwhile that must not change. */
  #isHeld = false;
  /** Up to here the log was in a file that is not there any more. */
  #lostUpTo = 0;

  constructor(name: string, settings: ConsumerSettings, commits: GroupCommit, window: Window, end: number) {
    this.name = name;
    this.settings = settings;
    this.#commits = commits;
    this.#window = window;
    void this.#attach(end);
  }

  get id(): ConsumerId | undefined {
    return this.#id;
  }

  /** Everything up to here is settled. */
  get position(): number {
    const [first] = this.#hand.values();
    return first ? first.seq - 1 : this.#cursor;
  }

  get cursor(): number {
    return this.#cursor;
  }

  get depth(): number {
    return this.unread + this.#hand.size + this.#handAgain.size;
  }

  get unread(): number {
    return this.#ahead + this.#behind + this.#commits.waiting;
  }

  get oldestUnread(): number | undefined {
    if (this.#ahead + this.#behind === 0) return this.#commits.oldest;
    const next = this.#again[0] ?? this.#page[0];
    return (next?.event ?? this.#window.at(this.#cursor + 1))?.time ?? this.#oldest;
  }

  get dead(): number {
    return this.#dead;
  }

  read(limit: number): readonly ChainEvent[] {
    if (this.#id === undefined || this.#isHeld) return [];
    const events: ChainEvent[] = [];
    while (events.length < limit) {
      const row = this.#again.shift();
      if (!row) break;
      this.#behind -= 1;
      this.#handAgain.set(row.event, row);
      events.push(row.event);
    }
    while (events.length < limit) {
      const row = this.#next();
      if (!row) break;
      this.#oldest = row.event.time;
      if (this.#skipped.has(row.seq)) {
        // A chain may wait for it.
        this.settings.onSkip(row.event);
        continue;
      }
      this.#ahead -= 1;
      this.#hand.set(row.event, row);
      events.push(row.event);
    }
    this.#fetch();
    return events;
  }

  attemptsAt(event: ChainEvent): Delivery | undefined {
    return (this.#handAgain.get(event) ?? this.#hand.get(event))?.before;
  }

  retry(event: ChainEvent, delivery: Delivery): void {
    const again = this.#handAgain.get(event);
    const row = again ?? this.#hand.get(event);
    if (!row) return;
    row.isRecorded = true;
    this.#note(row.seq, again ? 'queued' : 'retry', delivery);
  }

  settle(event: ChainEvent, outcome: DeliveryOutcome | 'dropped', delivery?: Delivery): void {
    const row = this.#handAgain.get(event) ?? this.#hand.get(event);
    if (!row) return;
    this.#letGo(event);
    if (outcome !== 'unheard') this.#note(row.seq, outcome, delivery);
    // A record that it is to be heard would stay otherwise.
    else if (row.isRecorded) this.#note(row.seq, 'skipped', delivery);
    this.#commits.moved();
  }

  /** An event has become durable. */
  saved(): void {
    if (this.#id !== undefined) this.#ahead += 1;
  }

  /** Another process has written, or dead letters were removed: the file knows better where this consumer stands. */
  refresh(): void {
    if (this.#id === undefined || this.#isAsking) return;
    const consumer = this.#id;
    this.#isAsking = true;
    this.#commits.query(
      () => {
        this.#isAsking = false;
        this.#isHeld = true;
        this.#deadSince = [];
        const inHand = [...this.#hand.values(), ...this.#handAgain.values()].map(({ seq }) => seq);
        return { query: 'standing', consumer, cursor: this.#cursor, inHand, first: this.#window.first };
      },
      (finding) => this.#stand(finding),
    );
  }

  /** The file could not be read and begins anew: of the log up to here there is what is in memory. */
  lost(last: number): void {
    if (this.#id === undefined) return;
    this.#lostUpTo = last;
    this.#page = [];
    this.#again = [];
    this.#dead = 0;
    this.#behind = 0;
    this.#cursor = Math.max(this.#cursor, Math.min(last, this.#window.first - 1));
    this.#ahead = last - this.#cursor;
    this.#skipped = new Set();
    this.#asked = new Set();
    this.settings.onReadable();
  }

  async #attach(end: number): Promise<void> {
    const place = await this.#commits.insist({ ask: 'attach', name: this.name, end });
    if (!place) return;
    this.#id = place.consumer;
    this.#cursor = place.position;
    this.#ahead = place.pending;
    this.#behind = place.queued;
    this.#oldest = place.oldest;
    this.#dead = place.dead;
    if (this.#window.at(this.#window.first)) {
      // What an operator has decided about events in memory stands in the file.
      this.#isHeld = true;
      this.refresh();
    }
    this.settings.onReadable();
  }

  #stand(finding: Finding): void {
    if (finding.query !== 'standing') return;
    this.#isHeld = false;
    this.#page = [];
    this.#again = [];
    this.#againAfter = 0;
    this.#ahead = finding.ahead + Math.max(0, this.#lostUpTo - this.#cursor);
    this.#behind = finding.again;
    const [skipped, asked] = [new Set(finding.skipped), new Set(finding.asked)];
    this.#skipped = skipped;
    this.#asked = asked;
    this.#dead = finding.dead + this.#deadSince.filter((seq) => !skipped.has(seq)).length;
    for (const row of [...this.#hand.values(), ...this.#handAgain.values()]) {
      if (asked.has(row.seq)) row.isRecorded = true;
      if (!skipped.has(row.seq)) continue;
      this.#letGo(row.event);
      this.settings.onSkip(row.event);
    }
    this.#commits.moved();
    this.settings.onReadable();
  }

  #letGo(event: ChainEvent): void {
    if (!this.#handAgain.delete(event)) this.#hand.delete(event);
  }

  /** The next event of the log that is at hand. */
  #next(): Row | undefined {
    const row = this.#page.shift();
    if (row) {
      this.#cursor = this.#page.length > 0 ? row.seq : Math.max(this.#pageEnd, row.seq);
      return row;
    }
    const seq = this.#cursor + 1;
    const event = this.#window.at(seq);
    if (!event) return undefined;
    this.#cursor = seq;
    return { seq, event, isRecorded: this.#asked.has(seq) };
  }

  /** Has more read from the file, where there is more that is not in memory. */
  #fetch(): void {
    if (this.#id === undefined) return;
    if (this.#page.length === 0 && !this.#fetching && this.#cursor < this.#window.first - 1)
      void this.#fetchPage(this.#id);
    if (this.#behind > 0 && this.#again.length === 0 && !this.#fetchingAgain) this.#fetchAgain(this.#id);
  }

  async #fetchPage(consumer: ConsumerId): Promise<void> {
    this.#fetching = true;
    const upTo = this.#window.first - 1;
    const page = await this.#commits.insist({ ask: 'page', consumer, after: this.#cursor, upTo });
    this.#fetching = false;
    if (!page) return;
    this.#page = page.rows.map(rowOf);
    this.#pageEnd = page.upTo;
    if (this.#page.length === 0) this.#cursor = Math.max(this.#cursor, page.upTo);
    this.settings.onReadable();
  }

  #fetchAgain(consumer: ConsumerId): void {
    this.#fetchingAgain = true;
    let inHand: ReadonlySet<number>;
    this.#commits.query(
      () => {
        // In the file that is still to be heard.
        inHand = new Set([...this.#hand.values(), ...this.#handAgain.values()].map(({ seq }) => seq));
        return { query: 'again', consumer, after: this.#againAfter, upTo: this.#cursor };
      },
      (finding) => {
        if (finding.query !== 'again') return;
        this.#fetchingAgain = false;
        this.#againAfter = finding.rows.at(-1)?.seq ?? 0;
        this.#again = finding.rows.filter(({ seq }) => !inHand.has(seq)).map(rowOf);
        if (finding.rows.length === 0) this.#behind = 0;
        this.settings.onReadable();
      },
    );
  }

  #note(seq: number, state: DeliveryState, delivery: Delivery | undefined): void {
    if (seq <= this.#lostUpTo) return;
    if (state === 'dead' || state === 'failed') {
      this.#dead += 1;
      if (this.#isHeld) this.#deadSince.push(seq);
    }
    const at = Date.now();
    const { attempts = 0, since = at, duration = 0, errorType } = delivery ?? {};
    this.#commits.answer([
      this.#id ?? 0,
      seq,
      state,
      attempts,
      Math.round(since),
      at,
      duration,
      errorType ?? null,
    ]);
  }
}
