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
    const rows = this.#read(limit);
    if (rows.length > 0) this.tell();
    let attempted: Map<ChainEvent, Delivery> | undefined;
    for (const { event, before } of rows) if (before) attempted = (attempted ?? new Map()).set(event, before);
    return { events: rows.map(({ event }) => event), attempted: attempted ?? NO_ATTEMPTS };
  }

  report(reports: readonly DeliveryReport[]): void {
    for (const { event, outcome, delivery } of reports) {
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
      const row = this.#unsettled.take(event);
      if (row) this.#heard(row, at, seconds[index] ?? 0);
      index += 1;
    }
    this.#settings.commits.moved();
    this.tell();
  }

  /** Drops the next events, at most `limit`. @returns those */
  giveUp(limit: number): readonly ChainEvent[] {
    const rows = this.#read(limit);
    for (const row of rows) this.#settle(row, 'dropped', undefined);
    const events = rows.map(({ event }) => event);
    if (events.length === 0) return events;
    this.#settings.commits.moved();
    this.tell();
    this.listener.onDrop(events);
    return events;
  }

  /** An event has become durable. */
  saved(): void {
    this.#backlog.saved();
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
  #read(limit: number): readonly Row[] {
    if (this.#id === undefined || this.#isHeld) return [];
    const { again, next, skipped } = this.#backlog.take(limit);
    for (const row of again) this.#unsettled.addAgain(row);
    this.#unsettled.add(next);
    this.#given += again.length + next.length;
    // A chain may wait for them.
    if (skipped.length > 0) this.listener.onSkip(skipped);
    this.#backlog.fetch();
    return again.length > 0 ? [...again, ...next] : next;
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
