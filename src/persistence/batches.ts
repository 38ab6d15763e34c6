import { withDeadline } from '../model/deadline.ts';
import { type ErrorCode, VconOtelError } from '../model/error.ts';

/** What code passes to {@link Batches}. */
export interface BatchesSettings<Item> {
  /**
   * Writes a batch. If it throws, every item of the batch fails with the error; after {@link PartlyWritten}, only the last items do.
   */
  write(batch: readonly Item[]): Promise<void>;
  /** The largest number of items in one batch. */
  readonly maxBatch: number;
  /** The largest number of waiting items; more are refused. */
  readonly maxWaiting: number;
  /**
   * Whether the first batch after a pause is written at once, with the items added before the next microtask, not with those of
   * the whole turn. For writes that are cheap, such as to a local disk. Default false.
   */
  readonly eager?: boolean;
  /** Whether a single item may have caused the error: if so, the batch is split in halves, so that the other items get through. */
  divides?(error: unknown): boolean;
  /** The error code of a refusal. Default `TRACER_FAILED`. */
  readonly refusal?: ErrorCode;
}

/** Only the first items of a batch were written. */
export class PartlyWritten extends Error {
  /** How many items. */
  readonly written: number;

  /** @param cause why the others were not */
  constructor(written: number, cause: unknown) {
    super('not everything was written', { cause });
    this.name = 'PartlyWritten';
    this.written = written;
  }
}

/**
 * Group commit: writes one batch at a time. Items that arrive in the meantime make up the next batch. Items keep their order.
 */
export class Batches<Item> {
  readonly #settings: BatchesSettings<Item>;
  #waiting: Waiting<Item>[] = [];
  #isWorking = false;
  /** The last item accepted so far. */
  #last: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(settings: BatchesSettings<Item>) {
    this.#settings = settings;
  }

  /**
   * Resolves when the item has been written.
   * @throws VconOtelError with the code of a refusal if too many items wait, or after `close`; otherwise what `write` threw
   */
  add(item: Item): Promise<void> {
    if (this.#isClosed) return this.#refuse('it is closed');
    if (this.#waiting.length >= this.#settings.maxWaiting) return this.#refuse('too many events wait');
    const written = new Promise<void>((resolve, reject) => this.#waiting.push({ item, resolve, reject }));
    this.#last = written;
    if (!this.#isWorking) void this.#work();
    return written;
  }

  /** Resolves when everything accepted so far has been written or refused. Never rejects. */
  flush(): Promise<void> {
    return this.#last.catch(() => undefined);
  }

  /**
   * As `flush`; later items are refused. Safe twice.
   * @param patience milliseconds after which what has yet to be written is refused as well, but for the batch that is under way
   */
  async close(patience = Number.POSITIVE_INFINITY): Promise<void> {
    this.#isClosed = true;
    try {
      await withDeadline(this.flush(), patience, 'writing what waits');
    } catch {
      for (const { reject } of this.#waiting.splice(0)) reject(this.#refusal('it is closed'));
    }
  }

  #refuse(reason: string): Promise<never> {
    return Promise.reject(this.#refusal(reason));
  }

  #refusal(reason: string): VconOtelError {
    const { refusal = 'TRACER_FAILED' } = this.#settings;
    return new VconOtelError(refusal, `the event is refused: ${reason}`);
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    if (this.#settings.eager) await undefined;
    // Items added in the same turn share a batch.
    else await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      let tell = await this.#write(this.#waiting.splice(0, this.#settings.maxBatch));
      // Whoever is told goes to work: if more is waiting, that is being written meanwhile.
      while (this.#waiting.length > 0) {
        const next = this.#write(this.#waiting.splice(0, this.#settings.maxBatch));
        tell();
        tell = await next;
      }
      tell();
      await undefined;
    }
    this.#isWorking = false;
  }

  /** @returns what tells whoever waits for it */
  async #write(batch: readonly Waiting<Item>[]): Promise<() => void> {
    try {
      await this.#settings.write(batch.map(({ item }) => item));
      return () => {
        for (const { resolve } of batch) resolve();
      };
    } catch (error) {
      const half = batch.length >> 1;
      if (half > 0 && !(error instanceof PartlyWritten) && this.#settings.divides?.(error)) {
        const tellFirst = await this.#write(batch.slice(0, half));
        const tellSecond = await this.#write(batch.slice(half));
        return () => {
          tellFirst();
          tellSecond();
        };
      }
      const written = error instanceof PartlyWritten ? error.written : 0;
      const reason = error instanceof PartlyWritten ? error.cause : error;
      return () => {
        for (const { resolve } of batch.slice(0, written)) resolve();
        for (const { reject } of batch.slice(written)) reject(reason);
      };
    }
  }
}

interface Waiting<Item> {
  readonly item: Item;
  resolve(): void;
  reject(error: unknown): void;
}
