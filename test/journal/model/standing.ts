import type { Delivery, DeliveryOutcome } from '../../../src/journal/consumer.ts';

/** How a delivery can have ended. */
export type SettledOutcome = Exclude<DeliveryOutcome, 'retried'>;

/** How an event stands at a consumer. Open: `waiting` and `again` – an operator has asked for it –, tried before or not. */
export interface Standing {
  readonly state: 'waiting' | 'again' | 'skipped' | SettledOutcome;
  /** The last attempt that failed and was to be made again. */
  readonly before?: Delivery;
}

export function isOpen({ state }: Standing): boolean {
  return state === 'waiting' || state === 'again';
}

export function isDead({ state }: Standing): boolean {
  return state === 'dead' || state === 'failed';
}

/** What was made of an event, by an answer or by an operator. */
interface Note {
  readonly consumer: string;
  readonly serial: number;
  readonly standing: Standing;
}

/** What became of events at consumers, one after the other: first what is durable, then what may be. */
export class Notes {
  #notes: Note[] = [];
  #durable = 0;

  get count(): number {
    return this.#notes.length;
  }

  /** So many of them are durable. */
  get durable(): number {
    return this.#durable;
  }

  /** Of a consumer, what is noted of each event: the last of the first so many notes. */
  of(name: string, count = this.count): Map<number, Standing> {
    const found = new Map<number, Standing>();
    for (const { consumer, serial, standing } of this.#notes.slice(0, count))
      if (consumer === name) found.set(serial, standing);
    return found;
  }

  add(consumer: string, serial: number, standing: Standing): void {
    this.#notes.push({ consumer, serial, standing });
  }

  save(): void {
    this.#durable = this.count;
  }

  /** Of all notes so many are left. */
  cut(count: number): void {
    this.#notes = this.#notes.slice(0, count);
  }

  /** There is no such consumer; nothing of it was durable. */
  forget(name: string): void {
    this.#notes = this.#notes.filter(({ consumer }) => consumer !== name);
  }

  clear(): void {
    this.#notes = [];
    this.#durable = 0;
  }
}
