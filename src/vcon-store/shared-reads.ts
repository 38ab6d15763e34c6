import type { Clock } from '../model/clock.ts';
import type { VconLookup, VconStore } from '../model/vcon.ts';

/** What came of the documents that tracers asked for; `shared`: another tracer had asked for it at the same event. */
export const READ_OUTCOMES = ['found', 'missing', 'failed', 'shared'] as const;
export type ReadCounts = Readonly<Record<(typeof READ_OUTCOMES)[number], number>>;

/** UTF-16 code units of all documents that are kept, and milliseconds for which one is: enough for tracers that hear an event together. */
const MAX_KEPT = 16 * 1024 * 1024;
const KEEP_FOR = 5_000;

interface Kept {
  readonly text: Promise<string | undefined>;
  readonly until: number;
  /** 0 until it is known. */
  length: number;
}

/**
 * Reads a document once for all tracers that ask for it at one event. What is kept is kept for that event alone, and for
 * seconds: at the next event the document may be another.
 */
export class SharedReads implements VconLookup {
  readonly #vcons: VconStore;
  readonly #clock: Clock;
  readonly #counts = { found: 0, missing: 0, failed: 0, shared: 0 };
  /** By event and uuid, the oldest first. */
  readonly #kept = new Map<string, Kept>();
  #length = 0;
  #isSweepDue = false;

  constructor(vcons: VconStore, clock: Clock) {
    this.#vcons = vcons;
    this.#clock = clock;
  }

  get counts(): ReadCounts {
    return this.#counts;
  }

  async read(uuid: string, event?: { readonly eventId: string }): Promise<string | undefined> {
    if (!event) return this.#readAnew(uuid);
    const key = `${event.eventId} ${uuid}`;
    const known = this.#kept.get(key);
    if (known && known.until > this.#clock.elapsed()) {
      const text = await known.text;
      this.#counts.shared += 1;
      return text;
    }
    this.#forget(key);
    const kept: Kept = { text: this.#readAnew(uuid), until: this.#clock.elapsed() + KEEP_FOR, length: 0 };
    this.#kept.set(key, kept);
    this.#sweepLater();
    let text: string | undefined;
    try {
      text = await kept.text;
      return text;
    } finally {
      if (this.#kept.get(key) === kept) this.#settle(key, kept, text);
    }
  }

  write(uuid: string, text: string): Promise<void> {
    return this.#vcons.write(uuid, text);
  }

  close(): Promise<void> {
    return this.#vcons.close();
  }

  async #readAnew(uuid: string): Promise<string | undefined> {
    try {
      const text = await this.#vcons.read(uuid);
      this.#counts[text === undefined ? 'missing' : 'found'] += 1;
      return text;
    } catch (error) {
      this.#counts.failed += 1;
      throw error;
    }
  }

  #settle(key: string, kept: Kept, text: string | undefined): void {
    // What could not be read now may be there at the next attempt.
    if (text === undefined || text.length > MAX_KEPT) {
      this.#forget(key);
      return;
    }
    kept.length = text.length;
    this.#length += text.length;
    for (const [oldest, { length }] of this.#kept) {
      if (this.#length <= MAX_KEPT) return;
      if (length > 0) this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    this.#length -= this.#kept.get(key)?.length ?? 0;
    this.#kept.delete(key);
  }

  #sweepLater(): void {
    if (this.#isSweepDue) return;
    this.#isSweepDue = true;
    this.#clock.after(KEEP_FOR, () => this.#sweep(), 'background');
  }

  #sweep(): void {
    this.#isSweepDue = false;
    const now = this.#clock.elapsed();
    for (const [key, { until }] of this.#kept) {
      if (until > now) break;
      this.#forget(key);
    }
    if (this.#kept.size > 0) this.#sweepLater();
  }
}
