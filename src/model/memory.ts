import { totalmem } from 'node:os';
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';

//  How much memory there is, and which share of it each thing may have that grows with what arrives: bodies under way a sixteenth,
//  events in hand an eighth (those that wait for the disk up to a half, see journal/sqlite/pressure.ts), closed runs that are
//  remembered an eighth, and open runs what is left, see service/memory-guard.ts.

const MIB = 2 ** 20;
/** What of V8's limit is for young objects, unless somebody says otherwise. */
const YOUNG = 192 * MIB;

/** Bytes of memory that everything in this process may use: its container's, or the machine's. */
export function processMemory(): number {
  return Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem());
}

/** Bytes of it that are taken; undefined where they cannot be looked up, such as while no file can be opened (`EMFILE`). */
export function residentMemory(): number | undefined {
  try {
    return process.memoryUsage.rss();
  } catch {
    return undefined;
  }
}

/** Bytes that V8 keeps of what lives long in this thread, at most: beyond it the process dies. */
export function heapLimit(): number {
  const { heap_size_limit: limit } = getHeapStatistics();
  return Math.min(Math.max(limit - YOUNG, limit / 4), processMemory());
}

/** Bytes of it that are taken; what is garbage counts until it has been collected. */
export function heapUsed(): number {
  let used = 0;
  for (const { space_name: name, space_used_size: size } of getHeapSpaceStatistics())
    if (!name.startsWith('new_')) used += size;
  return used;
}

/**
 * How many of something there may be: the usual number, or fewer where the heap is small.
 * @param share of the heap that they may take, each so many bytes
 */
export function bounded(usual: number, share: number, bytes: number): number {
  return Math.min(usual, Math.max(100, Math.floor((heapLimit() * share) / bytes)));
}
