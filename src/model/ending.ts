import { setTimeout as wait } from 'node:timers/promises';

//  Node.js waits for its threads when a process ends, also for one that is in code of V8's own, which nothing interrupts: sorting, filling or
//  parsing what is too large, for minutes or for ever.

/** Milliseconds that threads have to end before the process does. */
const PATIENCE = 1_000;

const threads = new Set<() => Promise<void>>();

/**
 * Has a thread of somebody else's code ended before the process is.
 * @param end ends it; resolves when it has ended
 * @returns says that it has
 */
export function endsBeforeProcess(end: () => Promise<void>): () => void {
  threads.add(end);
  return () => void threads.delete(end);
}

/** Ends these threads, within a second. @returns whether all of them have ended */
export async function endThreads(): Promise<boolean> {
  if (threads.size > 0) await Promise.race([Promise.all([...threads].map((end) => end())), wait(PATIENCE)]);
  return threads.size === 0;
}
