import { eventsLost } from '../events-lost.ts';
import type { Inbox, InboxEntry } from '../inbox.ts';

/** An {@link Inbox} in memory. */
export class MemoryInbox implements Inbox {
  /** From the low watermark on. */
  #bodies: Uint8Array[] = [];
  #lowWatermark = 1;
  #isClosed = false;

  async append(bodies: readonly Uint8Array[]): Promise<number> {
    if (this.#isClosed) throw eventsLost();
    const place = this.#lowWatermark + this.#bodies.length;
    for (const body of bodies) this.#bodies.push(body);
    return place;
  }

  async read(from: number, bytes: number): Promise<readonly InboxEntry[]> {
    const entries: InboxEntry[] = [];
    let size = 0;
    for (let place = Math.max(from, this.#lowWatermark); size < bytes || entries.length === 0; place += 1) {
      const body = this.#bodies[place - this.#lowWatermark];
      if (!body) break;
      entries.push({ place, body });
      size += body.byteLength;
    }
    return entries;
  }

  get lowWatermark(): number {
    return this.#lowWatermark;
  }

  advance(to: number): void {
    if (to <= this.#lowWatermark) return;
    this.#bodies.splice(0, to - this.#lowWatermark);
    this.#lowWatermark = to;
  }

  close(): void {
    this.#isClosed = true;
  }
}
