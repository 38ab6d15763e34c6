import { setFlagsFromString } from 'node:v8';

const FLAGS = [
  // The space for new objects stays as large as it is when the program is loaded, 32 MB, rather than 128 MB.
  '--semi-space-growth-factor=1',
  // Threads that begin later have 8 MB of it from the start, since they cannot grow either.
  '--min-semi-space-size=4',
  // Several threads that look through it wait for each other for as long as they gain.
  '--no-parallel-scavenge',
  // Old objects may take twice the room that they need, rather than up to four times.
  '--heap-growing-percent=100',
];

/**
 * Has Node.js manage memory as it pays for a service that is never idle for long: docs/benchmarks.md has the figures. To be
 * called before anything large is loaded.
 */
export function leanHeap(): void {
  for (const flag of FLAGS) setFlagsFromString(flag);
}
