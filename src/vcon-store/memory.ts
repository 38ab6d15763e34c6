import { z } from 'zod';
import { VconOtelError } from '../model/error.ts';
import { ok } from '../model/finding.ts';
import type { QueuedVcon, VconQueue, VconStore } from '../model/vcon.ts';
import { defineBuiltInVconStore } from './built-in-vcon-store.ts';

/** The memory of this process. */
export default defineBuiltInVconStore({
  options: z.strictObject({}),
  create: () => memoryVconStore(),
  probe: async () => [ok('is in memory: tracers find the vCons of this process only')],
});

/** What code passes to {@link memoryVconStore}. */
export interface MemoryVconStoreSettings {
  /** How many documents are kept, and how many uuids on any one list. Default 10,000. */
  readonly maxVcons?: number;
}

/** Documents and lists in this process. */
export interface MemoryVconStore extends VconStore, VconQueue {
  /** How many uuids wait on a list; the dead letters of a list are on `DLQ:<list>`. */
  length(list: string): number;
}

/**
 * Keeps documents and lists in memory: for tests, the demo and programs without Redis. Beyond `maxVcons`
 * documents, the one written longest ago is forgotten. A list that is full refuses: `push` and `deadLetter`
 * throw VconOtelError `STORE_UNAVAILABLE`.
 */
export function memoryVconStore({ maxVcons = 10_000 }: MemoryVconStoreSettings = {}): MemoryVconStore {
  const texts = new Map<string, string>();
  const lists = new Map<string, QueuedVcon[]>();

  function append(list: string, vcon: QueuedVcon): void {
    const queued = lists.get(list) ?? [];
    if (queued.length >= maxVcons)
      throw new VconOtelError('STORE_UNAVAILABLE', `a list in memory holds no more than ${maxVcons} vCons`);
    queued.push(vcon);
    lists.set(list, queued);
  }

  return {
    read: async (uuid) => texts.get(uuid),
    write: async (uuid, text) => {
      // Removed first, so that the order of the map is the order of writing.
      texts.delete(uuid);
      texts.set(uuid, text);
      if (texts.size <= maxVcons) return;
      const oldest = texts.keys().next().value;
      if (oldest !== undefined) texts.delete(oldest);
    },
    push: async (list, uuid, context) => append(list, context ? { uuid, context } : { uuid }),
    pop: async (list) => {
      const queued = lists.get(list);
      const vcon = queued?.shift();
      if (queued?.length === 0) lists.delete(list);
      return vcon;
    },
    deadLetter: async (list, uuid) => append(`DLQ:${list}`, { uuid }),
    length: (list) => lists.get(list)?.length ?? 0,
    close: async () => {},
  };
}
