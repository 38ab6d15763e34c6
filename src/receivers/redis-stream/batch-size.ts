import type { StreamEntry } from './replies.ts';

const MAX_ENTRIES = 500;
/** How much one read should bring at most, in bytes. */
const LENGTH = 2 * 1024 * 1024;

/** How many entries to request at once: fewer if they are long, or if the last read failed. */
export class BatchSize {
  #entries = MAX_ENTRIES;

  get entries(): number {
    return this.#entries;
  }

  /** Learns how long entries currently are. */
  read(entries: readonly StreamEntry[]): void {
    if (entries.length === 0) return;
    let length = 1;
    for (const { fields } of entries) for (const field of fields ?? []) length += field.length;
    const fitting = Math.ceil((LENGTH * entries.length) / length);
    this.#entries = Math.min(fitting, MAX_ENTRIES, this.#entries * 2);
  }

  /** Perhaps there was too much to transmit in time. */
  failed(): void {
    this.#entries = Math.ceil(this.#entries / 2);
  }
}
