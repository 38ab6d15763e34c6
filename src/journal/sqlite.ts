import { resolve } from 'node:path';
import type { ChainEvent } from '../model/event.ts';
import type {
  ConsumerSettings,
  Inbox,
  InboxEntry,
  Journal,
  JournalConsumer,
  JournalListener,
  JournalSize,
  JournalTrouble,
  OnFull,
  RepeatStanding,
} from './journal.ts';
import { SqliteConsumer } from './sqlite/consumer.ts';
import { GroupCommit } from './sqlite/group-commit.ts';
import type { Notice } from './sqlite/messages.ts';
import { Pressure } from './sqlite/pressure.ts';
import { Window } from './sqlite/window.ts';
import { WriterThread } from './sqlite/writer-thread.ts';

//  append() ─► group commit ─► writer thread ─► window ─► consumers
//                                   │                        ▲
//                                   └── pages of older events┘

export interface SqliteJournalSettings {
  /** The database file; made, with its folder, where it is missing. */
  readonly path: string;
  /** Milliseconds that events which everybody has heard are kept. Default 24 hours. */
  readonly retention?: number;
  /** Bytes that the file may take. Events that everybody has heard make room before their time. Default 1 GiB. */
  readonly maxSize?: number;
  /** Default `block`. */
  readonly onFull?: OnFull;
  /**
   * Milliseconds after the start from which on a consumer that has not come (back) counts as gone, and what it has not
   * heard may be removed in its time. Default one minute.
   */
  readonly patience?: number;
}

/** Events that the slowest consumer loses at a time, where there is no room. */
const GIVE_UP = 2_000;

/**
 * A {@link Journal} in a SQLite file: an event is accepted in memory, and durable with the next transaction, which is
 * synchronised with the disk in a thread of its own.
 * @throws VconOtelError `FILE_UNUSABLE`; `JOURNAL_IN_USE` where another process has it open
 */
export async function sqliteJournal(settings: SqliteJournalSettings): Promise<Journal> {
  const { retention = 86_400_000, maxSize = 1_073_741_824, onFull = 'block', patience = 60_000 } = settings;
  const path = resolve(settings.path);
  const notices: Notice[] = [];
  let hear = (notice: Notice): void => void notices.push(notice);
  const thread = new WriterThread({ path, retention, maxSize, patience }, (notice) => hear(notice));
  const journal = new SqliteJournal(thread, await thread.start(), onFull, maxSize);
  hear = (notice) => journal.hear(notice);
  for (const notice of notices) journal.hear(notice);
  return journal;
}

class SqliteJournal implements Journal {
  readonly persistent = true;
  readonly #thread: WriterThread;
  readonly #commits: GroupCommit;
  readonly #window: Window;
  readonly #pressure: Pressure;
  readonly #maxSize: number;
  readonly #consumers = new Map<string, SqliteConsumer>();
  #last: number;
  #listener: JournalListener | undefined;
  #untold: [JournalTrouble, string][] = [];
  #ended: Promise<void> | undefined;
  /** Events were given up, and not removed yet. */
  #isGivingUp = false;

  constructor(thread: WriterThread, last: number, onFull: OnFull, maxSize: number) {
    this.#thread = thread;
    this.#maxSize = maxSize;
    this.#last = last;
    this.#window = new Window(last);
    this.#pressure = new Pressure(onFull);
    this.#commits = new GroupCommit(thread, {
      positions: () =>
        [...this.#consumers.values()].flatMap(({ id, position }) =>
          id === undefined ? [] : [[id, position] as const],
        ),
      saved: (events, seqs, usage) => this.#saved(events, seqs, usage),
      lost: (events) => {
        for (const event of events) this.#drop(event);
      },
      failing: (code) => this.#trouble('journal_unwritable', `the journal cannot be written: ${code}`),
    });
  }

  append(event: ChainEvent): void {
    if (this.#ended || !this.#pressure.accepts(this.#commits.waiting)) {
      this.#drop(event);
      return;
    }
    this.#commits.add(event);
    this.#pressure.look(this.#commits.waiting);
  }

  durable(): Promise<void> {
    return this.#commits.durable();
  }

  get full(): boolean {
    return this.#pressure.full;
  }

  get failing(): boolean {
    return this.#commits.isFailing;
  }

  room(): Promise<void> {
    return this.#pressure.room();
  }

  get size(): JournalSize {
    return { used: Math.round(this.#pressure.usage * this.#maxSize), limit: this.#maxSize };
  }

  consumer(name: string, settings: ConsumerSettings): JournalConsumer {
    const known = this.#consumers.get(name);
    if (known) return known;
    const consumer = new SqliteConsumer(name, settings, this.#commits, this.#window, this.#last);
    this.#consumers.set(name, consumer);
    return consumer;
  }

  async openInbox(): Promise<Inbox> {
    const found: InboxEntry[] = [];
    let last = 0;
    for (;;) {
      const reply = await this.#commits.insist({ ask: 'inbox', after: last });
      if (!reply || reply.entries.length === 0) break;
      found.push(...reply.entries);
      last = reply.entries.at(-1)?.id ?? last;
    }
    return {
      found,
      put: (body, runId) => {
        last += 1;
        this.#commits.keep([last, runId ?? null, body]);
        return last;
      },
      rename: (runId, to) => this.#commits.keep([0, runId, to]),
      remove: (id) => this.#commits.keep([id, null, null]),
    };
  }

  listen(listener: JournalListener): void {
    this.#listener = listener;
    for (const [trouble, detail] of this.#untold.splice(0)) listener.onTrouble(trouble, detail);
  }

  close(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  /** What the writer says without being asked. */
  hear(notice: Notice): void {
    const consumers = [...this.#consumers.values()];
    if (notice.notice === 'usage') {
      this.#isGivingUp = false;
      this.#look(notice.usage);
    }
    if (notice.notice === 'changed' || notice.notice === 'forgot')
      for (const consumer of consumers) consumer.refresh();
    if (notice.notice === 'forgot')
      this.#trouble(
        'journal_forgot',
        `${notice.dead} dead letters were removed from the journal to make room`,
      );
    if (notice.notice === 'replaced') this.#trouble('journal_replaced', notice.detail);
    if (notice.notice === 'corrupt') {
      this.#trouble('journal_corrupt', notice.detail);
      for (const consumer of consumers) consumer.lost(this.#last);
    }
  }

  #saved(events: readonly ChainEvent[], seqs: readonly number[], usage: number): void {
    for (const [index, event] of events.entries()) {
      const seq = seqs[index] ?? 0;
      // A transaction that failed at its very end may have been kept: then its events come back with new places.
      if (seq <= this.#last) {
        this.#listener?.onRepeat(event, (name) => this.#standing(name, seq));
        continue;
      }
      this.#last = seq;
      this.#window.add(seq, event);
      for (const consumer of this.#consumers.values()) consumer.saved();
    }
    this.#window.trim(Math.min(...[...this.#consumers.values()].map(({ cursor }) => cursor)));
    if (events.length > 0) for (const { settings } of this.#consumers.values()) settings.onReadable();
    this.#look(usage);
  }

  /** What became of an event that was kept before, as the file has it when every answer so far is in it. */
  #standing(name: string, seq: number): Promise<RepeatStanding> {
    const consumer = this.#consumers.get(name)?.id;
    if (consumer === undefined) return Promise.resolve('settled');
    return new Promise((resolve) =>
      this.#commits.query(
        () => ({ query: 'settled', consumer, seq }),
        (finding) => resolve(finding.query === 'settled' ? finding.standing : 'pending'),
      ),
    );
  }

  #look(usage: number): void {
    this.#pressure.look(this.#commits.waiting, usage);
    if (!this.#pressure.overfull) this.#isGivingUp = false;
    if (!this.#pressure.overfull || this.#isGivingUp) return;
    // Whose place it is that keeps the file full, though what it has in hand it cannot give up.
    const [slowest] = [...this.#consumers.values()].sort((a, b) => a.position - b.position);
    const events = slowest?.read(GIVE_UP) ?? [];
    if (!slowest || events.length === 0) return;
    // Only when these are removed it shows whether that was enough.
    this.#isGivingUp = true;
    for (const event of events) {
      slowest.settle(event, 'dropped');
      slowest.settings.onDrop(event);
    }
  }

  #drop(event: ChainEvent): void {
    for (const { settings } of this.#consumers.values()) settings.onDrop(event);
  }

  #trouble(trouble: JournalTrouble, detail: string): void {
    if (this.#listener) this.#listener.onTrouble(trouble, detail);
    else this.#untold.push([trouble, detail]);
  }

  async #end(): Promise<void> {
    await this.#commits.end();
    this.#pressure.release();
    await this.#thread.close();
  }
}
