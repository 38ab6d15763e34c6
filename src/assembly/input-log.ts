import type { Inbox } from '../journal/inbox.ts';
import { encodeEntry, type NewEntry } from './entry.ts';

/** The inbox as assembly writes it: entries in their order, and how much of it survives a crash. */
export class InputLog {
  readonly #inbox: Inbox;
  #newest: Promise<unknown> = Promise.resolve();
  #lastKept = -1;
  #size: number;

  /** @param size bytes that are in it */
  constructor(inbox: Inbox, size: number) {
    this.#inbox = inbox;
    this.#size = size;
  }

  /** Bytes in it, and in what was taken out of it. */
  get size(): number {
    return this.#size;
  }

  /** The place of the last entry that survives a crash; -1 before the first. */
  get lastKept(): number {
    return this.#lastKept;
  }

  /**
   * Appends an entry.
   * @returns its place, once it survives a crash
   * @throws VconOtelError `EVENTS_LOST` where it never will
   */
  append(entry: NewEntry): Promise<number> {
    const body = encodeEntry(entry);
    this.#size += body.byteLength;
    const appended = this.#inbox.append([body]).then((place) => {
      this.#lastKept = place;
      return place;
    });
    // Whoever asks whether it is kept learns of it.
    appended.catch(() => undefined);
    this.#newest = appended;
    return appended;
  }

  /** Resolves when everything appended so far survives a crash. @throws VconOtelError `EVENTS_LOST` where some of it never will */
  async kept(): Promise<void> {
    // Entries become durable in their order.
    await this.#newest;
  }
}
