/** The ids of the newest records, so that a repeated delivery is recognised. */
export class RecentIds {
  #ids = new Set<string>();
  /** Those before them: one by one they would take longer to forget than to remember. */
  #older: ReadonlySet<string> = new Set();

  add(id: string): void {
    if (this.#ids.size >= RECENT) [this.#older, this.#ids] = [this.#ids, new Set()];
    this.#ids.add(id);
  }

  has(id: string): boolean {
    return this.#ids.has(id) || this.#older.has(id);
  }
}

/** How many ids are remembered at least: far more than, after a crash, a tracer has had without its journal knowing. */
export const RECENT = 65_536;
