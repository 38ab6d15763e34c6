import type { Clock } from '../../model/clock.ts';
import type { ChainEvent } from '../../model/event.ts';
import type {
  Consumer,
  ConsumerListener,
  Delivery,
  DeliveryOutcome,
  DeliveryReport,
  ReadBatch,
} from '../consumer.ts';
import { Backlog } from './backlog.ts';
import type { GroupCommit } from './group-commit.ts';
import type { QueryResult } from './messages.ts';
import type { PatientWriter } from './patient-writer.ts';
import type { Row } from './row.ts';
import { Unsettled } from './unsettled.ts';
import type { Window } from './window.ts';
import { markOf } from './writer/heard.ts';
import type { ConsumerId, DeliveryState } from './writer/schema.ts';

/** What a consumer needs from its journal. */
export interface SqliteConsumerSettings {
  readonly commits: GroupCommit;
  readonly writer: PatientWriter;
  readonly window: Window;
  readonly clock: Clock;
}

const NO_ATTEMPTS: ReadonlyMap<ChainEvent, Delivery> = new Map();
const NOTHING = { rows: [], rest: [] };

/** A consumer of a journal on disk: its backlog, what it has read and not settled, and its reports. */
export class SqliteConsumer implements Consumer {
  readonly name: string;
  readonly listener: ConsumerListener;
  /** Resolves when its position is known. */
  readonly opened: Promise<Consumer>;
  readonly #settings: SqliteConsumerSettings;
  readonly #isOpen = Promise.withResolvers<Consumer>();
  readonly #backlog: Backlog;
  readonly #unsettled = new Unsettled();
  #id: ConsumerId | undefined;
  #given = 0;
  #dead = 0;
  /** Dead letters since the file was asked for their number and has not answered yet. */
  #deadSince: number[] = [];
  #isAsking = false;
  /** The file is being asked for changes; nothing is read meanwhile. */
  #isHeld = false;

  constructor(name: string, listener: ConsumerListener, settings: SqliteConsumerSettings) {
    this.name = name;
    this.listener = listener;
    this.opened = this.#isOpen.promise;
    this.#settings = settings;
    this.#backlog = new Backlog({
      ...settings,
      unsettled: () => this.#unsettled.seqs(),
      readable: () => {
        this.tell();
        listener.onReadable();
      },
    });
  }

  /** Finds its position. @param end of the log, where a new one begins */
  async open(end: number): Promise<void> {
    const { writer, window } = this.#settings;
    const found = await writer.ask({ ask: 'attach', name: this.name, end });
    if (!found) return;
    this.#id = found.consumer;
    this.#dead = found.dead;
    this.#backlog.open(found);
    if (window.at(window.first)) {
      // Only the file knows what an operator has decided about events in memory.
      this.#isHeld = true;
      this.refresh();
    }
    this.#isOpen.resolve(this);
    this.tell();
    this.listener.onReadable();
  }

  get id(): ConsumerId | undefined {
    return this.#id;
  }

  /** Everything up to here is settled. */
  get position(): number {
    const { oldest } = this.#unsettled;
    return oldest === undefined ? this.#backlog.cursor : oldest - 1;
  }

  /** Everything up to here has been read. */
  get cursor(): number {
    return this.#backlog.cursor;
  }

  async read(limit: number): Promise<ReadBatch> {
    const { rows, rest } = this.#read(limit);
    if (rows.length + rest.length > 0) this.tell();
    if (rows.length === 0) return { events: rest, attempted: NO_ATTEMPTS };
    const attempted = new Map<ChainEvent, Delivery>();
    for (const { event, before } of rows) if (before) attempted.set(event, before);
    return { events: [...rows.map(({ event }) => event), ...rest], attempted };
  }

  report(reports: readonly DeliveryReport[]): void {
    const now = this.#settings.clock.now();
    for (const { event, outcome, delivery } of reports) {
      if (outcome === 'ok' && delivery?.attempts === 1 && this.#pass(event, now, delivery.duration)) continue;
      const row = this.#unsettled.get(event);
      if (!row) continue;
      if (outcome === 'retried') {
        row.isRecorded = true;
        this.#note(row, this.#unsettled.wasAskedFor(event) ? 'queued' : 'retry', delivery);
      } else this.#settle(row, outcome, delivery);
    }
    this.#settings.commits.moved();
    this.tell();
  }

  heard(events: readonly ChainEvent[], seconds: readonly number[]): void {
    const at = this.#settings.clock.now();
    let index = 0;
    for (const event of events) {
      const took = seconds[index] ?? 0;
      index += 1;
      if (this.#pass(event, at, took)) continue;
      const row = this.#unsettled.get(event);
      if (!row) continue;
      this.#unsettled.delete(event);
      this.#heard(row, at, took);
    }
    this.#settings.commits.moved();
    this.tell();
  }

  /** Settles an event that was heard at the first attempt, if its turn has come and nothing is recorded of it. */
  #pass(event: ChainEvent, at: number, seconds: number): boolean {
    const seq = this.#unsettled.pass(event);
    if (seq === undefined) return false;
    if (seq > this.#backlog.lostUpTo)
      this.#settings.commits.heard(this.#id ?? 0, seq, markOf(at - event.time, seconds));
    return true;
  }

  /** Drops the next events, at most `limit`. @returns those */
  giveUp(limit: number): readonly ChainEvent[] {
    const { rows, rest } = this.#read(limit);
    const events = [...rows.map(({ event }) => event), ...rest];
    if (events.length === 0) return events;
    for (const event of events) {
      const row = this.#unsettled.get(event);
      if (row) this.#settle(row, 'dropped', undefined);
    }
    this.#settings.commits.moved();
    this.tell();
    this.listener.onDrop(events);
    return events;
  }

  /** So many events have become durable. */
  saved(count: number): void {
    this.#backlog.saved(count);
  }

  /** Reports its counts. */
  tell(): void {
    const { commits } = this.#settings;
    const unread = this.#backlog.size + commits.waiting;
    this.listener.onCounts({
      depth: unread + this.#unsettled.size,
      unread,
      given: this.#given,
      oldestUnread: this.#backlog.size > 0 ? this.#backlog.oldest : commits.oldest,
      dead: this.#dead,
    });
  }

  /** Another process has written, or dead letters were removed: asks the file for the state of this consumer. */
  refresh(): void {
    if (this.#id === undefined || this.#isAsking) return;
    const consumer = this.#id;
    this.#isAsking = true;
    this.#settings.commits.query(
      () => {
        this.#isAsking = false;
        this.#isHeld = true;
        this.#deadSince = [];
        const { cursor } = this.#backlog;
        const { first } = this.#settings.window;
        return { query: 'changes', consumer, cursor, unsettled: this.#unsettled.seqs(), first };
      },
      (finding) => this.#change(finding),
    );
  }

  /** The file could not be read and a new one was begun: of the log up to here only what is in memory is left. */
  lost(last: number): void {
    if (this.#id === undefined) return;
    this.#backlog.lose(last);
    this.#dead = 0;
    this.tell();
    this.listener.onReadable();
  }

  /** Takes the next available events; they are unsettled now. */
  #read(limit: number): { readonly rows: readonly Row[]; readonly rest: readonly ChainEvent[] } {
    if (this.#id === undefined || this.#isHeld) return NOTHING;
    const { again, next, rest, skipped } = this.#backlog.take(limit);
    for (const row of again) this.#unsettled.addAgain(row);
    if (next.length > 0) this.#unsettled.addRows(next);
    if (rest.events.length > 0) this.#unsettled.add(rest);
    this.#given += again.length + next.length + rest.events.length;
    // A chain may wait for them.
    if (skipped.length > 0) this.listener.onSkip(skipped);
    this.#backlog.fetch();
    return { rows: again.length > 0 ? [...again, ...next] : next, rest: rest.events };
  }

  #settle(
    row: Row,
    outcome: Exclude<DeliveryOutcome, 'retried'> | 'dropped',
    delivery: Delivery | undefined,
  ): void {
    this.#unsettled.delete(row.event);
    if (outcome !== 'unheard') this.#note(row, outcome, delivery);
    // Otherwise the record that it has to be heard would stay.
    else if (row.isRecorded) this.#note(row, 'skipped', delivery);
  }

  #change(finding: QueryResult | undefined): void {
    if (finding?.query !== 'changes') return;
    this.#isHeld = false;
    this.#backlog.change(finding);
    const [skipped, asked] = [new Set(finding.skipped), new Set(finding.asked)];
    this.#dead = finding.dead + this.#deadSince.filter((seq) => !skipped.has(seq)).length;
    const taken: ChainEvent[] = [];
    for (const row of [...this.#unsettled.rows()]) {
      if (asked.has(row.seq)) row.isRecorded = true;
      if (!skipped.has(row.seq)) continue;
      this.#unsettled.delete(row.event);
      taken.push(row.event);
    }
    this.#settings.commits.moved();
    this.tell();
    if (taken.length > 0) this.listener.onSkip(taken);
    this.listener.onReadable();
  }

  /** An event was heard at the first attempt. @param at when, milliseconds since the Unix epoch */
  #heard(row: Row, at: number, seconds: number): void {
    const { seq, event, isRecorded } = row;
    if (isRecorded)
      this.#note(row, 'ok', { attempts: 1, since: at, duration: seconds, errorType: undefined });
    else if (seq > this.#backlog.lostUpTo)
      this.#settings.commits.heard(this.#id ?? 0, seq, markOf(at - event.time, seconds));
  }

  #note(row: Row, state: DeliveryState, delivery: Delivery | undefined): void {
    const { seq, isRecorded } = row;
    if (seq <= this.#backlog.lostUpTo) return;
    if (state === 'dead' || state === 'failed') {
      this.#dead += 1;
      if (this.#isHeld) this.#deadSince.push(seq);
    }
    const at = this.#settings.clock.now();
    const { attempts = 0, since = at, duration = 0, errorType } = delivery ?? {};
    if (state === 'ok' && !isRecorded && attempts <= 1) {
      this.#heard(row, at, duration);
      return;
    }
    const id = this.#id ?? 0;
    const answer = [id, seq, state, attempts, Math.round(since), at, duration, errorType ?? null];
    this.#settings.commits.answer(answer);
  }
}
