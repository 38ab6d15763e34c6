import { VconOtelError } from '../../model/error.ts';
import type { ChainEvent } from '../../model/event.ts';
import { encode } from './codec.ts';
import type { Finding, FlatAnswers, InboxChange, Query, Reply, Request } from './messages.ts';
import type { ConsumerId } from './writer/schema.ts';
import type { WriterThread } from './writer-thread.ts';

/** Whom the transactions are made for. */
export interface GroupCommitSettings {
  /** Where consumers stand, as it is to be saved with what they answered. */
  positions(): readonly (readonly [ConsumerId, number])[];
  /** Events are durable, each with its place in the log; `usage` is how full the journal is. */
  saved(events: readonly ChainEvent[], seqs: readonly number[], usage: number): void;
  /** The journal ends and events could not be saved. */
  lost(events: readonly ChainEvent[]): void;
  /** The file cannot be written, for a reason as SQLite calls it; told once until it can be written again. */
  failing(code: string): void;
}

/** Milliseconds that the first event of a transaction waits for others, and that answers wait for events. */
const LINGER = 2;
const LINGER_ANSWERS = 25;
/** Events or answers that do not wait for more. */
const ENOUGH = 256;
/** Events and answers in one transaction. */
const MAX_EVENTS = 2_000;
const MAX_ANSWERS = 5_000;
/** Milliseconds between two tries: doubled from the first to the last. */
const FIRST_PAUSE = 100;
const LAST_PAUSE = 5_000;

/** A change of the inbox, and how many events were accepted before. */
interface LaterChange {
  readonly change: InboxChange;
  readonly after: number;
}

/** A query that waits for a transaction, and who is to be told. */
interface Asking {
  readonly query: () => Query;
  readonly found: (finding: Finding) => void;
}

/** Brings events and answers to the disk, many in one transaction and one transaction after the other. */
export class GroupCommit {
  readonly #thread: WriterThread;
  readonly #settings: GroupCommitSettings;
  #events: ChainEvent[] = [];
  #saving: readonly ChainEvent[] = [];
  #answers: FlatAnswers[] = [];
  #inbox: LaterChange[] = [];
  #queries: Asking[] = [];
  #moved = false;
  #busy = false;
  #timer: NodeJS.Timeout | undefined;
  /** Milliseconds that the timer was set to. */
  #linger = 0;
  #urgent = false;
  /** What could not be done the last time. */
  readonly #failing = new Set<Request['ask']>();
  #ending = false;
  #ended = false;
  readonly #pauses = new Set<() => void>();
  /** Events that were ever accepted, and that are durable; and so of changes of the inbox. */
  #due = 0;
  #done = 0;
  #dueInbox = 0;
  #doneInbox = 0;
  readonly #waiting: {
    readonly upTo: number;
    readonly upToInbox: number;
    readonly pass: () => void;
    readonly fail: (error: Error) => void;
  }[] = [];
  #hasLost = false;
  readonly #idle: (() => void)[] = [];

  constructor(thread: WriterThread, settings: GroupCommitSettings) {
    this.#thread = thread;
    this.#settings = settings;
  }

  /** Events that are not durable yet. */
  get waiting(): number {
    return this.#events.length + this.#saving.length;
  }

  /** Whether the last try to write has failed. */
  get isFailing(): boolean {
    return this.#failing.size > 0;
  }

  /** When the oldest event that is not durable yet happened. */
  get oldest(): number | undefined {
    return (this.#saving[0] ?? this.#events[0])?.time;
  }

  add(event: ChainEvent): void {
    this.#events.push(event);
    this.#due += 1;
    this.#soon(LINGER, this.#events.length >= ENOUGH);
  }

  /** Changes the inbox: with the events so far, or after them. */
  keep(change: InboxChange): void {
    this.#inbox.push({ change, after: this.#due });
    this.#dueInbox += 1;
    this.#soon(LINGER, this.#inbox.length >= ENOUGH);
  }

  answer(answer: FlatAnswers): void {
    if (this.#ended) return;
    this.#answers.push(answer);
    this.#soon(LINGER_ANSWERS, this.#answers.length >= ENOUGH);
  }

  /** A consumer's position has moved, with or without an answer. */
  moved(): void {
    if (this.#ended) return;
    this.#moved = true;
    this.#soon(LINGER_ANSWERS, false);
  }

  /**
   * Asks something of the file as it is when every answer so far is in it.
   * @param query called when these answers are on their way: what is answered from then on the file does not know
   * @param found told before any event is durable that was not when the query was made; not if the journal ends before
   */
  query(query: () => Query, found: (finding: Finding) => void): void {
    if (this.#ended) return;
    this.#queries.push({ query, found });
    this.#soon(0, true);
  }

  /** Resolves when every event so far is durable. @throws VconOtelError `EVENTS_LOST` where some never will be */
  durable(): Promise<void> {
    const upTo = this.#due;
    const upToInbox = this.#dueInbox;
    if (this.#hasLost) return Promise.reject(lostEvents());
    if (this.#done >= upTo && this.#doneInbox >= upToInbox) return Promise.resolve();
    return new Promise((pass, fail) => this.#waiting.push({ upTo, upToInbox, pass, fail }));
  }

  /** Has something done by the writer, again and again until it can. @returns undefined if the journal ends before */
  async insist<A extends Request['ask']>(
    request: Extract<Request, { ask: A }>,
  ): Promise<Extract<Reply, { of: A }> | undefined> {
    for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LAST_PAUSE)) {
      const reply: Reply = await this.#thread.ask(request);
      if (reply.of !== 'failure') {
        this.#failing.delete(request.ask);
        return reply as Extract<Reply, { of: A }>;
      }
      if (!this.isFailing) this.#settings.failing(reply.code);
      this.#failing.add(request.ask);
      if (this.#ending) return undefined;
      await this.#pause(pause);
    }
  }

  /** Saves what can be saved. What the disk does not take now is lost. */
  async end(): Promise<void> {
    this.#ending = true;
    for (const wake of [...this.#pauses]) wake();
    if (this.#busy) await new Promise<void>((resolve) => this.#idle.push(resolve));
    else await this.#save();
    this.#ended = true;
  }

  #soon(linger: number, atOnce: boolean): void {
    if (this.#busy || this.#urgent || (this.#timer && !atOnce && linger >= this.#linger)) return;
    clearTimeout(this.#timer);
    if (atOnce) {
      // The events of this turn of the event loop go together.
      this.#urgent = true;
      setImmediate(() => void this.#save());
    } else {
      this.#linger = linger;
      this.#timer = setTimeout(() => void this.#save(), linger);
    }
  }

  async #save(): Promise<void> {
    if (this.#busy) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#urgent = false;
    this.#busy = true;
    while (this.#hasWork()) if (!(await this.#commit())) this.#giveUp();
    this.#busy = false;
    for (const tell of this.#idle.splice(0)) tell();
  }

  #hasWork(): boolean {
    const { length: events } = this.#events;
    return (
      events + this.#inbox.length > 0 || this.#answers.length > 0 || this.#queries.length > 0 || this.#moved
    );
  }

  async #commit(): Promise<boolean> {
    const events = this.#events.splice(0, MAX_EVENTS);
    const inbox = this.#inboxUpTo(this.#done + events.length);
    const answers = this.#answers.splice(0, MAX_ANSWERS);
    this.#saving = events;
    // A position must not be ahead of the answers before it, nor a query.
    const isAll = this.#answers.length === 0;
    const asking = isAll ? this.#queries.splice(0) : [];
    const positions = isAll ? this.#settings.positions() : [];
    if (isAll) this.#moved = false;
    const reply = await this.insist({
      ask: 'commit',
      events: events.flatMap(encode),
      inbox: inbox.flatMap(({ change }) => change),
      answers: answers.flat(),
      positions,
      queries: asking.map(({ query }) => query()),
    });
    this.#saving = [];
    if (!reply) {
      this.#events = [...events, ...this.#events];
      this.#inbox = [...inbox, ...this.#inbox];
      return false;
    }
    for (const [index, { found }] of asking.entries()) {
      const finding = reply.findings[index];
      if (finding) found(finding);
    }
    this.#settings.saved(events, reply.seqs, reply.usage);
    this.#pass(events.length, inbox.length);
    return true;
  }

  /** Changes that may be made once so many events are durable. */
  #inboxUpTo(events: number): readonly LaterChange[] {
    const later = this.#inbox.findIndex(({ after }, i) => after > events || i === MAX_EVENTS);
    return this.#inbox.splice(0, later === -1 ? this.#inbox.length : later);
  }

  /** The journal ends, and the disk takes nothing. */
  #giveUp(): void {
    const events = this.#events.splice(0);
    // What was to be removed only comes once more.
    this.#hasLost ||= events.length > 0 || this.#inbox.some(({ change: [, , text] }) => text !== null);
    this.#inbox = [];
    this.#answers = [];
    this.#queries = [];
    this.#moved = false;
    this.#settings.lost(events);
    for (const { fail } of this.#waiting.splice(0)) fail(lostEvents());
  }

  #pass(events: number, inbox: number): void {
    this.#done += events;
    this.#doneInbox += inbox;
    for (let [first] = this.#waiting; first; [first] = this.#waiting) {
      if (first.upTo > this.#done || first.upToInbox > this.#doneInbox) return;
      this.#waiting.shift();
      first.pass();
    }
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#pauses.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, milliseconds);
      this.#pauses.add(wake);
    });
  }
}

function lostEvents(): VconOtelError {
  return new VconOtelError(
    'EVENTS_LOST',
    'the journal was closed while it could not be written: events were lost',
  );
}
