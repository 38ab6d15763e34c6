import { expect } from 'vitest';
import type { Delivery } from '../../../src/journal/consumer.ts';
import { Inputs } from './inputs.ts';
import { isDead, isOpen, Notes, type SettledOutcome, type Standing } from './standing.ts';

/** An event of the log; it is the first of its id, whose repeats have serials of their own. */
export interface Entry {
  readonly serial: number;
  readonly id: string;
}

/** A consumer that has a place. */
export interface Place {
  /** The first event after it was made. */
  readonly begins: number;
  /** The place survives a crash. */
  isSure: boolean;
  /** Whatever happened before this is settled for good. */
  passed: number;
  /** An operator has decided something, about its events or while it was there. */
  isDecided: boolean;
  /** Its part in the present life. */
  life: Life | undefined;
}

/** A consumer from when it comes to when the journal ends. */
export interface Life {
  /** Given, and not settled. */
  readonly hand: Set<number>;
  /** Of these, what an operator has skipped: that is taken out of its hands. */
  readonly doomed: Set<number>;
  /** The journal has found its place: what it says of its numbers is true. */
  isAttached: boolean;
  /** An operator has decided something, and the journal may not have noticed. */
  isStale: boolean;
}

/** What a consumer says of itself. */
export interface Numbers {
  readonly depth: number;
  readonly unread: number;
  readonly dead: number;
  /** Not where an operator has decided something: of what is not in memory it is known only when it is read again. */
  readonly oldestUnread?: number | undefined;
}

/**
 * What a journal has to do, as simply as it can be said: a log, and a list of what became of its events at each consumer.
 * Both have a part that is durable and a newer one, of which a crash leaves some beginning: transactions are made in order.
 */
export class JournalModel {
  readonly isLasting: boolean;
  /** In the order in which they were accepted, which is that of their serials. */
  log: Entry[] = [];
  /** What was accepted before this is durable. */
  durable = 0;
  readonly places = new Map<string, Place>();
  readonly notes = new Notes();
  readonly inputs = new Inputs();
  /** Of every append that ever was. */
  readonly ids: string[] = [];
  /** Appends of this life that were no news, and those that are not durable yet. */
  repeats: number[] = [];
  unsure: number[] = [];

  constructor(isLasting: boolean) {
    this.isLasting = isLasting;
  }

  /** The serial of the next append. */
  get next(): number {
    return this.ids.length;
  }

  place(name: string): Place {
    const place = this.places.get(name);
    if (!place) throw new Error(`${name} has no place`);
    return place;
  }

  life(name: string): Life {
    const { life } = this.place(name);
    if (!life) throw new Error(`${name} is not there`);
    return life;
  }

  get present(): string[] {
    return [...this.places].flatMap(([name, { life }]) => (life ? [name] : []));
  }

  get isStale(): boolean {
    return [...this.places.values()].some(({ life }) => life?.isStale);
  }

  /** How each event stands that concerns a consumer, in the order of the log; as the first so many notes have it. */
  standings(name: string, notes?: number): Map<number, Standing> {
    const { begins } = this.place(name);
    const noted = this.notes.of(name, notes);
    return new Map(
      this.log.flatMap(({ serial }) => {
        const one = noted.get(serial) ?? (serial < begins ? undefined : { state: 'waiting' as const });
        return one ? [[serial, one] as const] : [];
      }),
    );
  }

  /** Open events of a consumer that it was not given. */
  unread(name: string): number[] {
    const hand = this.place(name).life?.hand;
    return [...this.standings(name)].flatMap(([serial, one]) =>
      isOpen(one) && !hand?.has(serial) ? [serial] : [],
    );
  }

  /** How many events a consumer can read for certain. */
  readable(name: string): number {
    // Of what an operator has decided the journal may know the one half.
    return this.life(name).isStale ? 0 : this.unread(name).filter((serial) => serial < this.durable).length;
  }

  /** @param told what a journal says that may have forgotten the id: whether it is a repeat */
  append(id: string, told?: boolean): void {
    const serial = this.next;
    this.ids.push(id);
    this.unsure.push(serial);
    const isKept = this.log.some((entry) => entry.id === id);
    if (told && !isKept) throw new Error(`${id} is no repeat`);
    if (told === false && this.#isUnread(id)) throw new Error(`${id} is a repeat`);
    if (told ?? isKept) this.repeats.push(serial);
    // One that forgets keeps nothing that nobody wants.
    else if (this.isLasting || this.present.length > 0) this.log.push({ serial, id });
    if (!this.isLasting) this.saved();
  }

  /** What was accepted so far is durable. */
  written(): void {
    this.durable = this.next;
    this.unsure = [];
    this.inputs.saved();
  }

  /** Everything so far is durable. */
  saved(): void {
    this.written();
    this.notes.save();
    for (const [name, place] of this.places) {
      if (!place.life) continue;
      place.isSure = true;
      place.life.isAttached = true;
      const first = [...this.standings(name)].find(
        ([serial, one]) => isOpen(one) || place.life?.hand.has(serial),
      );
      place.passed = Math.max(place.passed, first?.[0] ?? this.next);
    }
  }

  /** A place at the end of the log, that an operator has made. */
  addPlace(name: string): Place {
    const place = { begins: this.next, isSure: true, passed: this.next, isDecided: true, life: undefined };
    this.places.set(name, place);
    return place;
  }

  /** @param depth what a new consumer has to hear at once: what was accepted and not durable when it came */
  join(name: string, depth: number): void {
    const hand = { hand: new Set<number>(), doomed: new Set<number>() };
    const life = { ...hand, isAttached: !this.isLasting, isStale: false };
    const known = this.places.get(name);
    if (known) known.life = life;
    else {
      expect(depth).toBeLessThanOrEqual(this.unsure.length);
      const begins = depth === 0 ? this.next : (this.unsure.at(-depth) ?? this.next);
      this.places.set(name, { begins, isSure: false, passed: begins, isDecided: false, life });
    }
  }

  /** What is known of attempts at an event that a consumer was given. */
  attemptsAt(name: string, serial: number): Delivery | undefined {
    return this.isLasting ? this.standings(name).get(serial)?.before : undefined;
  }

  /** A consumer was given events, by one read. */
  give(name: string, serials: readonly number[]): void {
    const { hand, doomed, isStale } = this.life(name);
    expect(serials, 'in the order of the log').toEqual([...serials].sort((a, b) => a - b));
    for (const serial of serials) {
      const standings = this.standings(name);
      const one = standings.get(serial);
      expect(hand.has(serial), `${serial} is given once`).toBe(false);
      const mayBe = isStale ? ['waiting', 'again', 'skipped'] : ['waiting', 'again'];
      expect(mayBe, `${serial} is given while it is ${one?.state}`).toContain(one?.state);
      // What was asked for again need not wait for the others, nor they for it.
      for (const [earlier, { state }] of standings)
        if (earlier < serial && state === 'waiting')
          expect(hand.has(earlier), `${earlier} is given before ${serial}`).toBe(true);
      hand.add(serial);
      if (one?.state === 'skipped') doomed.add(serial);
      // It is given only when it is durable.
      this.durable = Math.max(this.durable, serial + 1);
    }
  }

  /** Whether an operator has skipped an event; it may have been asked for again meanwhile. */
  wasSkipped(name: string, serial: number): boolean {
    const state = new Map(this.standings(name)).get(serial)?.state;
    return state === 'skipped' || state === 'again';
  }

  /** What a consumer has answered. What an operator has skipped stays so. */
  answer(name: string, serial: number, outcome: SettledOutcome | Delivery): void {
    const { hand, doomed } = this.life(name);
    const one = this.standings(name).get(serial);
    if (typeof outcome === 'string') {
      hand.delete(serial);
      doomed.delete(serial);
    }
    if (!one || one.state === 'skipped') return;
    const next = typeof outcome === 'string' ? { state: outcome } : { before: outcome };
    this.notes.add(name, serial, { ...one, ...next });
  }

  /** An event is taken out of the hands of a consumer. @returns whether that is right */
  take(name: string, serial: number): boolean {
    const { hand, doomed } = this.life(name);
    return doomed.delete(serial) && hand.delete(serial);
  }

  /** The journal has noticed what operators have decided. */
  notice(): void {
    for (const name of this.present) {
      const life = this.life(name);
      const standings = this.standings(name);
      const kept = [...life.hand].filter((serial) => standings.get(serial)?.state === 'skipped');
      expect(kept, `what ${name} has to skip is taken away`).toEqual([]);
      // What was skipped and asked for again at once stays where it is.
      life.doomed.clear();
      life.isStale = false;
    }
  }

  /** What a consumer has to say of itself, where nothing is unsure. */
  numbers(name: string): Numbers {
    const unread = this.unread(name);
    return {
      depth: unread.length + this.life(name).hand.size,
      unread: unread.length,
      dead: this.isLasting ? [...this.standings(name).values()].filter(isDead).length : 0,
      ...(this.place(name).isDecided ? {} : { oldestUnread: unread[0] }),
    };
  }

  /** The journal has ended, in whatever way: nobody is there any more. */
  end(): void {
    for (const place of this.places.values()) place.life = undefined;
    this.repeats = [];
    if (this.isLasting) return;
    this.log = [];
    this.places.clear();
    this.notes.clear();
    this.inputs.clear();
    this.saved();
  }

  /** Whether somebody has still to read the event. */
  #isUnread(id: string): boolean {
    const serials = this.log.flatMap((entry) => (entry.id === id ? [entry.serial] : []));
    return this.present.some((name) => serials.some((serial) => this.unread(name).includes(serial)));
  }
}
