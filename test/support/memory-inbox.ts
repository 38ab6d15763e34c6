import type { Inbox, InboxEntry } from '../../src/journal/inbox.ts';

/** An inbox of which a killed process leaves everything. */
export class MemoryInbox implements Inbox {
  #entries: InboxEntry[];
  #next: number;
  #lowWatermark: number;

  /** @param left what a process before left */
  constructor(left: Pick<MemoryInbox, 'entries' | 'lowWatermark'> = { entries: [], lowWatermark: 1 }) {
    this.#entries = [...left.entries];
    this.#lowWatermark = left.lowWatermark;
    this.#next = (left.entries.at(-1)?.place ?? left.lowWatermark - 1) + 1;
  }

  get entries(): readonly InboxEntry[] {
    return this.#entries;
  }

  get lowWatermark(): number {
    return this.#lowWatermark;
  }

  async append(bodies: readonly Uint8Array[]): Promise<number> {
    const first = this.#next;
    for (const body of bodies) this.#entries.push({ place: this.#next++, body });
    return first;
  }

  async read(from: number, bytes: number): Promise<readonly InboxEntry[]> {
    const start = this.#entries.findIndex(({ place }) => place >= from);
    if (start === -1) return [];
    let size = 0;
    const end = this.#entries.findIndex(({ body }, index) => {
      if (index >= start) size += body?.byteLength ?? 0;
      return size >= bytes;
    });
    return this.#entries.slice(start, end === -1 ? undefined : end + 1);
  }

  advance(to: number): void {
    this.#lowWatermark = to;
    this.#entries = this.#entries.filter(({ place }) => place >= to);
  }
}
