import type { Clock } from '../../model/clock.ts';
import type { ChainEvent } from '../../model/event.ts';
import { blockOf, type InputBlock } from './input-block.ts';
import type { FlatAnswers, Query, QueryResult, WriterReply } from './messages.ts';
import { pageOf } from './page.ts';
import type { PatientWriter } from './patient-writer.ts';
import { type Portion, type Write, WriteQueue } from './write-queue.ts';
import type { ConsumerId } from './writer/schema.ts';

/** What group commit needs from its journal. */
export interface GroupCommitSettings {
  readonly writer: PatientWriter;
  readonly clock: Clock;
  /** The positions of consumers, to be saved with their answers. */
  positions(): readonly (readonly [ConsumerId, number])[];
  /** A transaction was made; `usage` is how full the journal is. */
  committed(usage: number): void;
  /** The journal is closed and these events could not be saved. */
  lost(events: readonly ChainEvent[]): void;
}

/** Milliseconds that the first write of a transaction waits for others, and that answers wait for writes. */
const LINGER = 2;
const LINGER_ANSWERS = 25;
/** Writes (events, entries) that do not wait for more, and answers: a write takes them along. */
const ENOUGH = 256;
const ENOUGH_ANSWERS = 2_000;
/** Answers in one transaction. */
const MAX_ANSWERS = 5_000;

/** A query that waits for a transaction, and what gets its result. */
interface Asking {
  readonly query: () => Query;
  readonly found: (finding: QueryResult | undefined) => void;
}

/** Writes to the disk in transactions: many writes and answers in each, and one transaction after the other. */
export class GroupCommit {
  readonly #settings: GroupCommitSettings;
  readonly #queue = new WriteQueue();
  #answers: FlatAnswers[] = [];
  /** Flat: consumer, seq, `markOf`. */
  #heard: number[] = [];
  #queries: Asking[] = [];
  /** Events and entries since the last transaction. */
  #fresh = 0;
  #moved = false;
  #busy = false;
  #cancel: (() => void) | undefined;
  /** Milliseconds that the timer was set to. */
  #linger = 0;
  #urgent = false;
  #isEnding = false;
  #ended = false;
  readonly #idle: (() => void)[] = [];

  constructor(settings: GroupCommitSettings) {
    this.#settings = settings;
  }

  /** Events that are not durable yet. */
  get waiting(): number {
    return this.#queue.waiting;
  }

  /** When the oldest event that is not durable yet happened. */
  get oldest(): number | undefined {
    return this.#queue.oldest;
  }

  /** Queues a write; it is written together with, or after, everything queued before it. */
  write(write: Write): void {
    if (this.#ended) {
      if (write.kind !== 'advance') write.written.lost();
      return;
    }
    const count =
      write.kind === 'events' ? write.events.length : write.kind === 'entries' ? write.bodies.length : 1;
    // There is nothing to wait for.
    if (write.kind === 'events' && count === 0 && this.#queue.isEmpty) {
      write.written.done();
      return;
    }
    this.#queue.add(write);
    this.#fresh += count;
    this.#soon(LINGER, this.#fresh >= ENOUGH);
  }

  answer(answer: FlatAnswers): void {
    if (this.#ended) return;
    this.#answers.push(answer);
    this.#soon(LINGER_ANSWERS, this.#answers.length >= ENOUGH_ANSWERS);
  }

  /** An event was heard at the first attempt. @param mark see `markOf` */
  heard(consumer: ConsumerId, seq: number, mark: number): void {
    if (!this.#ended) this.#heard.push(consumer, seq, mark);
  }

  /** A consumer's position has moved, with or without an answer. */
  moved(): void {
    if (this.#ended) return;
    this.#moved = true;
    this.#soon(LINGER_ANSWERS, false);
  }

  /**
   * Queries the file once it contains every answer so far.
   * @param query called when these answers are sent; later answers are not in the result
   * @param found gets the result before any further event becomes durable, or undefined if the journal is closed first
   */
  query(query: () => Query, found: (finding: QueryResult | undefined) => void): void {
    if (this.#ended) {
      found(undefined);
      return;
    }
    this.#queries.push({ query, found });
    this.#soon(0, true);
  }

  /** Saves what can be saved; the rest is lost. */
  async end(): Promise<void> {
    this.#isEnding = true;
    this.#settings.writer.end();
    if (this.#busy) await new Promise<void>((resolve) => this.#idle.push(resolve));
    else await this.#save();
    this.#ended = true;
  }

  #soon(linger: number, atOnce: boolean): void {
    if (this.#busy || this.#urgent || (this.#cancel && !atOnce && linger >= this.#linger)) return;
    this.#cancel?.();
    if (atOnce) {
      // Everything of this turn of the event loop goes together.
      this.#urgent = true;
      setImmediate(() => void this.#save());
    } else {
      this.#linger = linger;
      this.#cancel = this.#settings.clock.after(linger, () => void this.#save());
    }
  }

  async #save(): Promise<void> {
    if (this.#busy) return;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#urgent = false;
    this.#busy = true;
    for (let isFirst = true; this.#hasWork(isFirst); isFirst = false)
      if (!(await this.#commit())) this.#giveUp();
    this.#busy = false;
    if (this.#hasAnswers()) this.#soon(LINGER_ANSWERS, false);
    for (const tell of this.#idle.splice(0)) tell();
  }

  /** @param isDue whether a few answers are worth a transaction. Nobody waits for them, but what comes meanwhile would. */
  #hasWork(isDue: boolean): boolean {
    const isWaitedFor = !this.#queue.isEmpty || this.#queries.length > 0;
    const isEnough = isDue || this.#isEnding || this.#answers.length >= ENOUGH_ANSWERS;
    return isWaitedFor || (isEnough && this.#hasAnswers());
  }

  #hasAnswers(): boolean {
    return this.#answers.length + this.#heard.length > 0 || this.#moved;
  }

  async #commit(): Promise<boolean> {
    const { writer, clock, positions, committed } = this.#settings;
    const { events, entries, lowWatermark } = this.#queue.take();
    this.#fresh = 0;
    const answers = this.#answers.splice(0, MAX_ANSWERS);
    // Neither a position nor a query may be ahead of the answers before it.
    const isAll = this.#answers.length === 0;
    const asking = isAll ? this.#queries.splice(0) : [];
    const places = isAll ? positions() : [];
    if (isAll) this.#moved = false;
    const heard = new Float64Array(this.#heard);
    this.#heard = [];
    const reply = await writer.ask({
      ask: 'commit',
      answers: answers.flat(),
      heard,
      positions: places,
      queries: asking.map(({ query }) => query()),
      events: events.length > 0 ? pageOf(events) : undefined,
      entries: entries && inputBlock(entries),
      lowWatermark,
      time: { now: clock.now(), elapsed: clock.elapsed() },
    });
    for (const [index, { found }] of asking.entries()) found(reply?.findings[index]);
    if (!reply) return false;
    this.#queue.written(seqsOf(events.length, reply));
    committed(reply.usage);
    return true;
  }

  /** The journal is closed while nothing can be written. */
  #giveUp(): void {
    for (const { found } of this.#queries.splice(0)) found(undefined);
    this.#answers = [];
    this.#heard = [];
    this.#moved = false;
    this.#settings.lost(this.#queue.giveUp());
  }
}

function inputBlock({ place, bodies }: Exclude<Portion['entries'], undefined>): InputBlock {
  return { place, count: bodies.length, block: blockOf(bodies) };
}

/** The seqs of the events of a transaction, in their order. */
function seqsOf(
  events: number,
  { before, repeats }: Pick<Extract<WriterReply, { of: 'commit' }>, 'before' | 'repeats'>,
): number[] {
  const seqs: number[] = [];
  let last = before;
  for (let place = 0; place < events; place += 1) {
    const known = repeats.size > 0 ? repeats.get(place) : undefined;
    if (known === undefined) last += 1;
    seqs.push(known ?? last);
  }
  return seqs;
}
