/** The ids of the records that came last, so that one that is delivered again is recognised. */
export class RecentIds {
  readonly #ids = new Set<string>();

  add(id: string): void {
    this.#ids.add(id);
    if (this.#ids.size <= RECENT) return;
    // A set keeps the order in which it was filled.
    for (const oldest of this.#ids) {
      this.#ids.delete(oldest);
      return;
    }
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }
}

/** Records whose ids are remembered: far more than a tracer has had and a journal does not know of, after a crash. */
export const RECENT = 65_536;
