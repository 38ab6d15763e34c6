/**
 * The only way in which assembly, journal and delivery learn the time, wait, or draw lots: handed in, so that what follows
 * from it can be replayed and tested without waiting.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. Somebody may set it, forwards or back. */
  now(): number;
  /** Milliseconds on a clock that nobody sets and that only this process knows. */
  elapsed(): number;
  /**
   * Does something once, after so many milliseconds.
   * @param priority `background`: nothing that the process would have to go on for
   * @returns what calls it off; safe at any time
   */
  after(milliseconds: number, work: () => void, priority?: 'background'): () => void;
  /** A number from 0 up to 1, as `Math.random`. */
  random(): number;
}

/** The machine's own. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after: (milliseconds, work, priority) => {
    const timer = setTimeout(work, Math.min(milliseconds, LONGEST_TIMER));
    if (priority === 'background') timer.unref();
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

/** The longest a Node.js timer can wait; a longer one would fire at once. */
export const LONGEST_TIMER = 2_147_483_647;
