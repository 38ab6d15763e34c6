import type { Clock } from '../../model/clock.ts';
import type { ChainEvent } from '../../model/event.ts';
import type { Consumer, ConsumerListener } from '../consumer.ts';
import type { EventLogObserver, OnFull, Progress, Repeat } from '../event-log.ts';
import { eventsLost } from '../events-lost.ts';
import type { Inbox } from '../inbox.ts';
import type { Beside, Journal } from '../journal.ts';
import { Observers } from '../observers.ts';
import { SqliteConsumer } from './consumer.ts';
import { GroupCommit } from './group-commit.ts';
import { SqliteInbox } from './inbox.ts';
import type { Notice, Opened } from './messages.ts';
import { PatientWriter } from './patient-writer.ts';
import { Pressure } from './pressure.ts';
import { Window } from './window.ts';
import type { WriterThread } from './writer-thread.ts';

//  append() ─► group commit ─► writer thread ─► window ─► consumers
//                                   │                        ▲
//                                   └── pages of older events┘

export interface SqliteJournalOptions {
  readonly onFull: OnFull;
  readonly maxSize: number;
  readonly beside: Beside;
  readonly clock: Clock;
}

/** Events that the slowest consumer loses at a time when there is no room. */
const GIVE_UP = 2_000;
const NONE_ASKED: readonly string[] = [];

/** A journal in a SQLite file, in the process that writes it. */
export class SqliteJournal implements Journal {
  readonly id: string;
  readonly persistent = true;
  readonly beside: Beside;
  readonly #thread: WriterThread;
  readonly #writer: PatientWriter;
  readonly #commits: GroupCommit;
  readonly #window: Window;
  readonly #pressure: Pressure;
  readonly #maxSize: number;
  readonly #clock: Clock;
  readonly #observers: Observers;
  readonly #consumers = new Map<string, SqliteConsumer>();
  /** The seq of the newest event. */
  #last: number;
  #ended: Promise<void> | undefined;
  /** It was closed while it could not be written. */
  #hasLost = false;
  /** Events were dropped and are not removed yet. */
  #isGivingUp = false;
  /** Events were saved that consumers have not been notified of. */
  #hasNews = false;

  constructor(
    thread: WriterThread,
    { last, id }: Opened,
    { onFull, maxSize, beside, clock }: SqliteJournalOptions,
  ) {
    this.id = id;
    this.beside = beside;
    this.#thread = thread;
    this.#maxSize = maxSize;
    this.#clock = clock;
    this.#last = last;
    this.#window = new Window(last);
    this.#pressure = new Pressure(onFull);
    const size = { used: 0, limit: maxSize };
    this.#observers = new Observers({ full: false, room: Number.POSITIVE_INFINITY, failing: false, size });
    this.#writer = new PatientWriter(thread, clock, (failing) => {
      this.#observers.changed({ failing: failing !== undefined });
      if (failing === undefined) return;
      this.#observers.trouble('journal_unwritable', `the journal cannot be written: ${failing}`);
    });
    this.#commits = new GroupCommit({
      writer: this.#writer,
      clock,
      positions: () =>
        [...this.#consumers.values()].flatMap(({ id, position }) =>
          id === undefined ? [] : [[id, position] as const],
        ),
      committed: (usage) => this.#committed(usage),
      lost: (events) => {
        this.#hasLost ||= events.length > 0;
        this.#drop(events);
      },
    });
  }

  append(events: readonly ChainEvent[], asked: readonly string[] = NONE_ASKED): Promise<readonly Repeat[]> {
    if (this.#ended) {
      this.#drop(events);
      return events.length > 0 || this.#hasLost ? Promise.reject(eventsLost()) : Promise.resolve([]);
    }
    const accepted = this.#pressure.accepted(events, this.#commits.waiting);
    this.#drop(events.slice(accepted.length));
    const batch = Promise.withResolvers<readonly Repeat[]>();
    const repeats: { readonly event: ChainEvent; readonly seq: number }[] = [];
    this.#commits.write({
      kind: 'events',
      events: accepted,
      written: {
        saved: (some, seqs) => this.#saved(some, seqs, repeats),
        done: () => this.#withProgress(repeats, asked, batch.resolve),
        lost: () => batch.reject(eventsLost()),
      },
    });
    this.#look();
    for (const consumer of this.#consumers.values()) consumer.tell();
    return batch.promise;
  }

  consumer(name: string, listener: ConsumerListener): Promise<Consumer> {
    let consumer = this.#consumers.get(name);
    if (!consumer) {
      consumer = new SqliteConsumer(name, listener, {
        commits: this.#commits,
        writer: this.#writer,
        window: this.#window,
        clock: this.#clock,
      });
      this.#consumers.set(name, consumer);
      consumer.tell();
      void consumer.open(this.#last);
    }
    return consumer.opened;
  }

  async leave(name: string): Promise<void> {
    const consumer = this.#consumers.get(name);
    if (!consumer) return;
    await consumer.opened;
    // With all that it has reported, its position is saved.
    this.#commits.moved();
    await new Promise<void>((saved) =>
      this.#commits.query(
        () => ({ query: 'progress', consumers: [], seqs: [] }),
        () => saved(),
      ),
    );
    this.#consumers.delete(name);
    if (consumer.id !== undefined) await this.#writer.ask({ ask: 'detach', consumer: consumer.id });
  }

  openInbox(): Promise<Inbox> {
    return SqliteInbox.open(this.#writer, this.#commits);
  }

  observe(observer: EventLogObserver): () => void {
    return this.#observers.add(observer);
  }

  close(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  /** Handles a notice from the writer. */
  hear(notice: Notice): void {
    const consumers = [...this.#consumers.values()];
    switch (notice.notice) {
      case 'usage':
        this.#isGivingUp = false;
        this.#look(notice.usage);
        return;
      case 'changed':
        for (const consumer of consumers) consumer.refresh();
        return;
      case 'forgot':
        for (const consumer of consumers) consumer.refresh();
        this.#observers.trouble(
          'journal_forgot',
          `${notice.dead} dead letters were removed from the journal to make room`,
        );
        return;
      case 'lost':
        this.#observers.trouble('journal_corrupt', notice.detail);
        for (const consumer of consumers) consumer.refresh();
        return;
      case 'replaced':
        this.#observers.trouble('journal_replaced', notice.detail);
        return;
      case 'went_back':
        this.#observers.trouble('journal_went_back', notice.detail);
        return;
      case 'corrupt':
        this.#observers.trouble('journal_corrupt', notice.detail);
        for (const consumer of consumers) consumer.lost(this.#last);
    }
  }

  #saved(
    events: readonly ChainEvent[],
    seqs: readonly number[],
    repeats: { readonly event: ChainEvent; readonly seq: number }[],
  ): void {
    let news = 0;
    for (let i = 0; i < events.length; i += 1) {
      const event = events[i] as ChainEvent;
      const seq = seqs[i] ?? 0;
      // A transaction that failed at its very end may have been kept: then its events come back with new seqs.
      if (seq <= this.#last) {
        repeats.push({ event, seq });
        continue;
      }
      this.#last = seq;
      this.#window.add(seq, event);
      news += 1;
    }
    for (const consumer of this.#consumers.values()) consumer.saved(news);
    this.#hasNews = true;
  }

  #committed(usage: number): void {
    if (this.#hasNews) {
      this.#hasNews = false;
      this.#window.trim(Math.min(...[...this.#consumers.values()].map(({ cursor }) => cursor)));
      for (const consumer of this.#consumers.values()) {
        consumer.tell();
        consumer.listener.onReadable();
      }
    }
    this.#look(usage);
  }

  /** Looks up how far consumers are with repeats, once every report so far is in the file. */
  #withProgress(
    repeats: readonly { readonly event: ChainEvent; readonly seq: number }[],
    asked: readonly string[],
    resolve: (repeats: readonly Repeat[]) => void,
  ): void {
    const known = asked.flatMap((name) => {
      const id = this.#consumers.get(name)?.id;
      return id === undefined ? [] : [{ name, id }];
    });
    const answer = (progress: (repeat: number, name: string) => Progress): void =>
      resolve(
        repeats.map(({ event }, index) => ({
          event,
          progress: new Map(asked.map((name) => [name, progress(index, name)])),
        })),
      );
    if (repeats.length === 0 || known.length === 0) {
      answer(() => 'settled');
      return;
    }
    this.#commits.query(
      () => ({
        query: 'progress',
        consumers: known.map(({ id }) => id),
        seqs: repeats.map(({ seq }) => seq),
      }),
      (finding) =>
        answer((repeat, name) => {
          const at = known.findIndex((one) => one.name === name);
          if (at === -1) return 'settled';
          return (finding?.query === 'progress' && finding.progress[at]?.[repeat]) || 'pending';
        }),
    );
  }

  #look(usage?: number): void {
    const pressure = this.#pressure;
    pressure.look(this.#commits.waiting, usage);
    this.#observers.changed({
      full: pressure.full,
      room: pressure.room(this.#commits.waiting),
      size: { used: Math.round(pressure.usage * this.#maxSize), limit: this.#maxSize },
    });
    if (!pressure.overfull) this.#isGivingUp = false;
    if (!pressure.overfull || this.#isGivingUp) return;
    // Its position keeps the file full. What it has already read cannot be dropped.
    const [slowest] = [...this.#consumers.values()].sort((a, b) => a.position - b.position);
    const events = slowest?.giveUp(GIVE_UP) ?? [];
    // Whether that was enough shows only when they are removed.
    if (events.length > 0) this.#isGivingUp = true;
  }

  #drop(events: readonly ChainEvent[]): void {
    if (events.length > 0) for (const { listener } of this.#consumers.values()) listener.onDrop(events);
  }

  async #end(): Promise<void> {
    await this.#commits.end();
    this.#observers.changed({ full: false });
    await this.#thread.close();
  }
}
