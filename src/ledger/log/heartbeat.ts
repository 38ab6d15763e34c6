/**
 * Does something whenever a ledger has been silent for a time, so that whoever watches from outside can tell silence from
 * death.
 */
export class Heartbeat {
  readonly #every: number;
  readonly #lastTime: () => number;
  readonly #beat: () => Promise<void>;
  readonly #opened = Date.now();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /**
   * @param every milliseconds of silence
   * @param lastTime when the last record was written, milliseconds since the epoch
   * @param beat must not reject
   */
  constructor(every: number, lastTime: () => number, beat: () => Promise<void>) {
    this.#every = every;
    this.#lastTime = lastTime;
    this.#beat = beat;
    this.#wait();
  }

  /** Ends it. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  get #due(): number {
    return Math.max(this.#lastTime(), this.#opened) + this.#every - Date.now();
  }

  #wait(): void {
    // The clock may be set back.
    const wait = Math.max(1, Math.min(this.#due, this.#every));
    this.#timer = setTimeout(() => void this.#end(), wait).unref();
  }

  async #end(): Promise<void> {
    if (this.#due <= 0) await this.#beat();
    if (!this.#closed) this.#wait();
  }
}
