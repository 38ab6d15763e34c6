/** Milliseconds of work until the event loop is given a turn. */
const SLICE = 5;
/** Bytes of work between two looks at the clock: a quarter of a millisecond at worst. */
const LOOK = 32 * 1024;
/** What the smallest piece of work counts for. */
const PIECE = 64;

/**
 * Long work in slices, so that the event loop gets on meanwhile. However many of these there are, one slice is done in
 * each of its rounds.
 */
export class Turns {
  #work = 0;
  #began = performance.now();

  /** To be asked after every piece of work: whether it is time to {@link take} a turn. */
  due(bytes = 0): boolean {
    this.#work += PIECE + bytes;
    if (this.#work < LOOK) return false;
    this.#work = 0;
    return performance.now() - this.#began >= SLICE;
  }

  /** Resolves when it is this one's turn. */
  async take(): Promise<void> {
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      if (waiting.length === 1) setImmediate(next);
    });
    this.#began = performance.now();
  }
}

const waiting: (() => void)[] = [];

function next(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(next);
}
