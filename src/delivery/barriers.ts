/** Conditions that somebody waits for. They are looked at again when something has changed. */
export class Barriers {
  readonly #passing: () => void;
  #barriers: { readonly open: () => boolean; readonly pass: () => void }[] = [];
  #isReleased = false;

  /** @param passing called before one is passed */
  constructor(passing: () => void) {
    this.#passing = passing;
  }

  /** Resolves when a condition holds. */
  until(open: () => boolean): Promise<void> {
    return new Promise((pass) => {
      this.#barriers.push({ open, pass });
      this.check();
    });
  }

  /** Something has changed. */
  check(): void {
    if (this.#barriers.length === 0) return;
    this.#barriers = this.#barriers.filter(({ open, pass }) => {
      if (!this.#isReleased && !open()) return true;
      this.#passing();
      pass();
      return false;
    });
  }

  /** From now on nobody waits. */
  release(): void {
    this.#isReleased = true;
    this.check();
  }
}
