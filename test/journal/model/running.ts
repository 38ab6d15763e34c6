import { expect } from 'vitest';
import type { Delivery } from '../../../src/journal/consumer.ts';
import type { Inbox } from '../../../src/journal/inbox.ts';
import type { Journal } from '../../../src/journal/journal.ts';
import { withDeadline } from '../../../src/model/deadline.ts';
import type { ChainEvent } from '../../../src/model/event.ts';
import { type ReaderConsumer, reader } from '../reader.ts';
import { accept } from './accept.ts';
import { decide } from './decide.ts';
import type { Decision, JournalDriver, LastingJournal } from './driver.ts';
import type { JournalModel } from './model.ts';
import { serialEvent, serialOf } from './serial-events.ts';
import type { SettledOutcome } from './standing.ts';

/** Milliseconds that anything may take. */
const PATIENCE = 120_000;

/** Of an event whose delivery has ended. */
const DELIVERY: Delivery = { attempts: 1, since: 1, duration: 0.5, errorType: 'TypeError' };

/** A consumer that never reads: when it has noticed an operator's decision, everybody has. */
const WATCH = 'watch';

interface Consumer {
  readonly consumer: ReaderConsumer;
  /** Given and not settled, by serial. */
  readonly hand: Map<number, ChainEvent>;
  /** Taken out of its hands. */
  readonly skipped: ChainEvent[];
  readable: PromiseWithResolvers<void>;
}

/** A journal from one opening to the next, with its consumers; it does what the model is told to have happened. */
export class RunningJournal {
  readonly #driver: JournalDriver;
  readonly #model: JournalModel;
  #journal: Journal;
  #inbox: Inbox;
  #consumers = new Map<string, Consumer>();
  /** Where entries of the input log are, by their numbers, as far as that is known. */
  readonly #places = new Map<number, number>();
  #keeping: Promise<unknown> = Promise.resolve();
  /** Appends, of events and entries, that are not durable yet. */
  #appending = 0;
  #repeats: number[] = [];
  /** What no journal may say here: it has room, and a disk. */
  #wrong: string[] = [];

  static async start(driver: JournalDriver, model: JournalModel): Promise<RunningJournal> {
    const journal = await driver.open();
    return new RunningJournal(driver, model, journal, await journal.openInbox());
  }

  private constructor(driver: JournalDriver, model: JournalModel, journal: Journal, inbox: Inbox) {
    this.#driver = driver;
    this.#model = model;
    this.#inbox = inbox;
    this.#journal = this.#listenTo(journal);
  }

  async append(id: string): Promise<void> {
    const model = this.#model;
    const repeats = this.#repeats;
    this.#appending += 1;
    const appended = this.#journal.append([serialEvent(id, model.next)]).then(
      (found) => {
        this.#appending -= 1;
        for (const { event } of found) repeats.push(serialOf(event.time));
        return found.length > 0;
      },
      // It was closed, or rather killed.
      () => {
        this.#appending -= 1;
        return false;
      },
    );
    model.append(id, model.isLasting ? undefined : await appended);
  }

  /** Appends entries to the input log, whose numbers are their bodies. */
  keep(count: number): void {
    const { inputs, log } = this.#model;
    const bodies = Array.from({ length: count }, () => String(inputs.append(log.length)));
    this.#appending += 1;
    const appended = this.#inbox.append(bodies.map((body) => Buffer.from(body))).then(
      (place) => {
        this.#appending -= 1;
        for (const [index, body] of bodies.entries()) this.#places.set(Number(body), place + index);
      },
      // It was closed, or rather killed.
      () => {
        this.#appending -= 1;
      },
    );
    this.#keeping = Promise.all([this.#keeping, appended]);
  }

  /** Needs so many of the entries no more, of those that are durable. */
  advance(count: number): void {
    const { inputs, log } = this.#model;
    const to = inputs.low + count;
    const place = this.#places.get(to - 1);
    if (place === undefined) return;
    this.#inbox.advance(place + 1);
    inputs.advance(to, log.length);
  }

  /** Reads the input log: durable entries, a few at a time, from the low watermark on. */
  async readInputs(): Promise<void> {
    await this.durable();
    const bodies: string[] = [];
    for (let from = this.#inbox.lowWatermark; ; ) {
      const entries = await within(this.#inbox.read(from, 3), 'reading the input log');
      const end = entries.at(-1);
      if (!end) break;
      for (const { place, body = '' } of entries) {
        const text = Buffer.from(body).toString();
        bodies.push(text);
        this.#places.set(Number(text), place);
      }
      from = end.place + 1;
    }
    expect(bodies).toEqual(this.#model.inputs.needed.map(String));
  }

  /** Until what was accepted is durable, and with it whatever was answered before the last of it. */
  async durable(): Promise<void> {
    const isWritten = this.#appending > 0;
    await within(this.#journal.append([]), 'making events durable');
    await within(this.#keeping, 'making entries durable');
    // Where nothing had to be written, answers wait on.
    if (isWritten) this.#model.saved();
    else this.#model.written();
  }

  /** Until all answers are durable: those before an event are when that is. */
  async settled(): Promise<void> {
    await this.append(this.#model.log[0]?.id ?? 'first/0');
    await this.durable();
  }

  join(name: string): void {
    const hand = new Map<number, ChainEvent>();
    const told = { hand, readable: Promise.withResolvers<void>(), skipped: [] as ChainEvent[] };
    const { consumer } = reader(this.#journal, name, {
      onReadable: () => told.readable.resolve(),
      onDrop: (events) => this.#wrong.push(`${name} lost ${events.map(({ eventId }) => eventId)}`),
      onSkip: (events) => {
        for (const event of events) {
          const serial = serialOf(event.time);
          if (hand.delete(serial) && this.#model.take(name, serial)) told.skipped.push(event);
          // Or it was the next to be read.
          else if (!this.#model.wasSkipped(name, serial))
            this.#wrong.push(`${name} is told to skip ${serial}`);
        }
      },
    });
    this.#consumers.set(name, Object.assign(told, { consumer }));
    this.#model.join(name, consumer.depth);
  }

  /** Reads, until that is at least so many events. */
  async read(name: string, limit: number, atLeast: number): Promise<void> {
    const found = this.#consumer(name);
    for (let count = 0; ; ) {
      // Before it is read: what becomes readable right afterwards must not be missed.
      found.readable = Promise.withResolvers();
      const events = await found.consumer.readNow(limit - count);
      expect(events.length).toBeLessThanOrEqual(limit - count);
      count += events.length;
      const serials = events.map((event) => serialOf(event.time));
      this.#model.give(name, serials);
      for (const [index, event] of events.entries()) {
        const serial = serials[index] ?? -1;
        found.hand.set(serial, event);
        expect(event.eventId).toBe(this.#model.ids[serial]);
        // How long the last attempt took is not asked.
        const before = found.consumer.attemptsAt(event);
        expect(before && { ...before, duration: 0 }).toEqual(this.#model.attemptsAt(name, serial));
      }
      if (count >= atLeast) return;
      if (events.length === 0) await within(found.readable.promise, `giving ${name} ${atLeast} events`);
    }
  }

  answer(name: string, serial: number, answer: SettledOutcome | Delivery): void {
    const { consumer, hand } = this.#consumer(name);
    const event = hand.get(serial);
    if (!event) throw new Error(`${name} does not have ${serial} in hand`);
    if (typeof answer !== 'string') consumer.retry(event, answer);
    else {
      hand.delete(serial);
      if (answer === 'unheard') consumer.settle(event, answer);
      else consumer.settle(event, answer, DELIVERY);
    }
    this.#model.answer(name, serial, answer);
  }

  /** Ends the journal, lets an operator decide, and opens it again. */
  async reopen(
    how: 'close' | 'crash',
    decisions: readonly (() => Decision | undefined)[] = [],
  ): Promise<void> {
    const { lasting } = this.#driver;
    await this.#end(how);
    if (lasting && decisions.length > 0) {
      accept(this.#model, await lasting.look(), false);
      for (const decision of decisions) await this.#decide(lasting, decision());
    }
    this.#repeats = [];
    this.#wrong = [];
    this.#journal = this.#listenTo(await within(this.#driver.open(), 'opening'));
    this.#inbox = await within(this.#journal.openInbox(), 'opening the input log');
    this.#places.clear();
    if (lasting) accept(this.#model, await lasting.look(), false);
  }

  /** An operator decides, beside the journal that runs; what it was told so far is durable. */
  async decide(decision: Decision): Promise<void> {
    const lasting = this.#lasting();
    await this.#decide(lasting, decision);
    accept(this.#model, await lasting.look(), true);
  }

  /** Until what operators have decided is noticed. */
  async noticed(): Promise<void> {
    if (!this.#consumers.has(WATCH)) {
      this.join(WATCH);
      // What it finds out by itself, as it comes, is not what all have noticed.
      await this.settled();
    }
    const id = `watched/${this.#model.next}`;
    await this.append(id);
    await this.durable();
    const watch = this.#consumer(WATCH);
    await this.decide({ decide: 'skip', consumer: WATCH, ids: [id] });
    for (;;) {
      watch.readable = Promise.withResolvers();
      if (watch.consumer.depth === this.#model.numbers(WATCH).depth) break;
      await within(watch.readable.promise, 'noticing what an operator has decided');
    }
    this.#model.notice();
    // A call was under way: its end changes nothing.
    for (const { consumer, skipped } of this.#consumers.values())
      for (const event of skipped.splice(0)) consumer.settle(event, 'dead', DELIVERY);
  }

  /** Whatever can be said of the journal at this moment. */
  check(): void {
    const { unsure, repeats } = this.#model;
    expect(this.#wrong).toEqual([]);
    expect(this.#repeats).toEqual(unsure.length > 0 ? repeats.slice(0, this.#repeats.length) : repeats);
    if (unsure.length > 0) return;
    for (const name of this.#model.present) {
      const { isAttached, isStale } = this.#model.life(name);
      if (!isAttached || isStale) continue;
      const { depth, unread, dead, oldestUnread } = this.#consumer(name).consumer;
      const oldest = oldestUnread === undefined ? undefined : serialOf(oldestUnread);
      expect({ depth, unread, dead, oldestUnread: oldest }, name).toMatchObject(this.#model.numbers(name));
    }
  }

  /** Nothing is lost, and nothing is given twice: every consumer hears what it has still to hear, and that is all. */
  async finish(): Promise<void> {
    const model = this.#model;
    const { lasting } = this.#driver;
    await this.settled();
    await this.readInputs();
    if (model.isStale) await this.noticed();
    await this.#hearAll();
    if (!lasting) return;
    await this.reopen('close');
    await this.readInputs();
    for (const name of model.places.keys()) this.join(name);
    await this.#hearAll();
    for (const name of model.present)
      for (const serial of model.life(name).hand) this.answer(name, serial, 'ok');
    await this.#end('close');
    accept(model, await lasting.look(), false);
    for (const name of model.places.keys()) expect(model.unread(name)).toEqual([]);
  }

  close(): Promise<void> {
    return within(this.#journal.close(), 'closing');
  }

  async #end(how: 'close' | 'crash'): Promise<void> {
    if (how === 'crash') this.#lasting().crash();
    this.#consumers.clear();
    await this.close();
    if (how === 'close') this.#model.saved();
    this.#model.end();
  }

  async #hearAll(): Promise<void> {
    for (const name of this.#model.present) {
      const left = this.#model.unread(name).length;
      await this.read(name, left + 1, left);
    }
    await this.settled();
    this.check();
    // Whatever were given now would be wrong.
    for (const name of this.#model.present) await this.read(name, 1, 0);
  }

  #consumer(name: string): Consumer {
    const consumer = this.#consumers.get(name);
    if (!consumer) throw new Error(`${name} is not there`);
    return consumer;
  }

  #lasting(): LastingJournal {
    if (!this.#driver.lasting) throw new Error('the journal does not last');
    return this.#driver.lasting;
  }

  async #decide(lasting: LastingJournal, decision: Decision | undefined): Promise<void> {
    if (!decision) return;
    // Before: it may be noticed at once.
    decide(this.#model, decision);
    await within(lasting.decide(decision), 'deciding');
  }

  #listenTo(journal: Journal): Journal {
    journal.observe({ onTrouble: (trouble) => this.#wrong.push(trouble) });
    return journal;
  }
}

function within<T>(promise: Promise<T>, what: string): Promise<T> {
  return withDeadline(promise, PATIENCE, what);
}
