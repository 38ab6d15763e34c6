import type { ChainEvent } from '../../model/event.ts';

/** What one call wants written. */
export type Write =
  | { readonly kind: 'events'; readonly events: readonly ChainEvent[]; readonly written: EventsWritten }
  | {
      readonly kind: 'entries';
      readonly place: number;
      readonly bodies: readonly Uint8Array[];
      readonly written: WriteCallbacks;
    }
  | { readonly kind: 'advance'; readonly to: number };

/** Callbacks of a write. */
export interface WriteCallbacks {
  /** All of it is. */
  done(): void;
  /** The journal is closed, and it never will be. */
  lost(): void;
}

export interface EventsWritten extends WriteCallbacks {
  /** Part of the batch is written; each event has its seq. */
  saved(events: readonly ChainEvent[], seqs: readonly number[]): void;
}

/** The content of one transaction. */
export interface Portion {
  readonly events: readonly ChainEvent[];
  /** Of the input log; their places follow each other. */
  readonly entries: { readonly place: number; readonly bodies: readonly Uint8Array[] } | undefined;
  readonly lowWatermark: number | undefined;
}

/** Events, and bytes of entries, in one transaction. */
const MAX_EVENTS = 2_000;
const MAX_BYTES = 8_388_608;

/** Writes that wait for the disk, in the order of the calls; what gets written is always a prefix. */
export class WriteQueue {
  #writes: Write[] = [];
  /** Events of the first write that are written already. */
  #begun = 0;
  #events = 0;
  /** What was taken and is not written yet: a number of whole writes, and of events of the next one. */
  #taken: { readonly writes: number; readonly part: number } | undefined;

  /** Events that are not written yet. */
  get waiting(): number {
    return this.#events;
  }

  /** When the oldest event that is not written yet happened. */
  get oldest(): number | undefined {
    for (const [index, write] of this.#writes.entries())
      if (write.kind === 'events') {
        const event = write.events[index === 0 ? this.#begun : 0];
        if (event) return event.time;
      }
    return undefined;
  }

  get isEmpty(): boolean {
    return this.#writes.length === 0;
  }

  add(write: Write): void {
    this.#writes.push(write);
    if (write.kind === 'events') this.#events += write.events.length;
  }

  /** Returns what the next transaction has to write; it stays in the queue until {@link written}. */
  take(): Portion {
    const events: ChainEvent[] = [];
    const bodies: Uint8Array[] = [];
    let place = 0;
    let lowWatermark: number | undefined;
    let bytes = 0;
    let writes = 0;
    let part = 0;
    for (const write of this.#writes) {
      const isEnough = events.length >= MAX_EVENTS || bytes >= MAX_BYTES;
      if (isEnough && write.kind !== 'advance') break;
      if (write.kind === 'events') {
        const from = writes === 0 ? this.#begun : 0;
        const to = Math.min(write.events.length, from + MAX_EVENTS - events.length);
        for (let i = from; i < to; i += 1) events.push(write.events[i] as ChainEvent);
        if (to < write.events.length) {
          part = to - from;
          break;
        }
      } else if (write.kind === 'entries') {
        if (bodies.length === 0) place = write.place;
        for (const body of write.bodies) {
          bodies.push(body);
          bytes += body.byteLength;
        }
      } else lowWatermark = Math.max(lowWatermark ?? 0, write.to);
      writes += 1;
    }
    this.#taken = { writes, part };
    return { events, entries: bodies.length > 0 ? { place, bodies } : undefined, lowWatermark };
  }

  /** What was taken has been written. @param seqs of its events */
  written(seqs: readonly number[]): void {
    const { writes, part } = this.#taken ?? { writes: 0, part: 0 };
    this.#taken = undefined;
    const done = this.#writes.splice(0, writes);
    let at = 0;
    const saved = ({ events, written }: Extract<Write, { kind: 'events' }>, from: number, to: number) => {
      written.saved(events.slice(from, to), seqs.slice(at, at + to - from));
      at += to - from;
    };
    this.#events -= seqs.length;
    for (const write of done) {
      if (write.kind === 'events') saved(write, this.#begun, write.events.length);
      this.#begun = 0;
      if (write.kind !== 'advance') write.written.done();
    }
    const [next] = this.#writes;
    if (part > 0 && next?.kind === 'events') {
      saved(next, this.#begun, this.#begun + part);
      this.#begun += part;
    }
  }

  /** Gives up everything. @returns the events that are lost */
  giveUp(): readonly ChainEvent[] {
    const writes = this.#writes.splice(0);
    const lost = writes.flatMap((write, index) =>
      write.kind === 'events' ? write.events.slice(index === 0 ? this.#begun : 0) : [],
    );
    this.#begun = 0;
    this.#events = 0;
    for (const write of writes) if (write.kind !== 'advance') write.written.lost();
    return lost;
  }
}
