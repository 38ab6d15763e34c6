/** Milliseconds of work before the event loop gets a turn. */
const SLICE = 5;
/** Bytes of work between two checks of the clock: a quarter of a millisecond at worst. */
const LOOK = 32 * 1024;
/** How many bytes the smallest piece of work counts as. */
const PIECE = 64;

/**
 * Long work in slices, so that the event loop keeps turning. However many of these there are, each turn of the loop does
 * one slice.
 */
export class Turns {
  #work = 0;
  #began = performance.now();

  /** Whether it is time to {@link take} a turn: check this after every piece of work. */
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
