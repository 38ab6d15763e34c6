/** The ids of the records that came last, so that one that is delivered again is recognised. */
export class RecentIds {
  readonly #ids = new Set<string>();
  /** The same, in the order in which they came; written over from the start when it is full. */
  readonly #order: string[] = [];
  #next = 0;

  add(id: string): void {
    const oldest = this.#order[this.#next];
    if (oldest !== undefined) this.#ids.delete(oldest);
    this.#order[this.#next] = id;
    this.#next = (this.#next + 1) % RECENT;
    this.#ids.add(id);
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }
}

/** Records whose ids are remembered: far more than a tracer has had and a journal does not know of, after a crash. */
export const RECENT = 65_536;
