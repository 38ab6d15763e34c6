import { VconOtelError } from './error.ts';

export interface BatchesSettings<Item> {
  /** Hands a batch on, all or nothing; what it throws is what became of each of its items. */
  write(batch: readonly Item[]): Promise<void>;
  /** Items in one batch. */
  readonly maxBatch: number;
  /** Items that may wait; more are refused. */
  readonly maxWaiting: number;
  /** Whether an error may be that of a single item: then the batch is tried in halves, so that the others get through. */
  divides?(error: unknown): boolean;
}

/**
 * Group commit: one batch is under way at a time, and what comes meanwhile makes up the next one. Items keep the order in
 * which they came.
 */
export class Batches<Item> {
  readonly #settings: BatchesSettings<Item>;
  #waiting: Waiting<Item>[] = [];
  #working = false;
  /** Settled when what was accepted so far has been written or refused. */
  #accepted: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(settings: BatchesSettings<Item>) {
    this.#settings = settings;
  }

  /**
   * Resolves when the item has been written.
   * @throws VconOtelError `TRACER_FAILED` where too many wait or after `close`; else what `write` threw
   */
  add(item: Item): Promise<void> {
    if (this.#closed) return refuse('it is closed');
    if (this.#waiting.length >= this.#settings.maxWaiting) return refuse('too many events wait');
    const written = new Promise<void>((resolve, reject) => this.#waiting.push({ item, resolve, reject }));
    this.#accepted = written.catch(() => undefined);
    if (!this.#working) void this.#work();
    return written;
  }

  /** Resolves when everything accepted so far has been written or refused. Never rejects. */
  flush(): Promise<void> {
    return this.#accepted;
  }

  /** As `flush`; what comes later is refused. Safe twice. */
  close(): Promise<void> {
    this.#closed = true;
    return this.flush();
  }

  async #work(): Promise<void> {
    this.#working = true;
    // What is called in the same turn goes together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) await this.#write(this.#waiting.splice(0, this.#settings.maxBatch));
    this.#working = false;
  }

  async #write(batch: readonly Waiting<Item>[]): Promise<void> {
    try {
      await this.#settings.write(batch.map(({ item }) => item));
      for (const { resolve } of batch) resolve();
    } catch (error) {
      if (batch.length > 1 && this.#settings.divides?.(error)) {
        const half = batch.length >> 1;
        await this.#write(batch.slice(0, half));
        await this.#write(batch.slice(half));
        return;
      }
      for (const { reject } of batch) reject(error);
    }
  }
}

interface Waiting<Item> {
  readonly item: Item;
  resolve(): void;
  reject(error: unknown): void;
}

function refuse(reason: string): Promise<never> {
  return Promise.reject(new VconOtelError('TRACER_FAILED', `the event is refused: ${reason}`));
}
