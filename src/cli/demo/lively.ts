import { setTimeout } from 'node:timers/promises';
import { VconOtelError } from '../../model/error.ts';
import { type ListedVcon, listVcons, type MemoryVconStore } from '../../vcon-store/index.ts';
import type { DemoChains } from './chains.ts';
import { passThrough } from './pass-through.ts';
import type { DemoProgress } from './progress.ts';

/** What {@link livelyTraffic} needs. */
export interface LivelySettings {
  /** Folder of vCon files. */
  readonly folder: string;
  readonly chains: DemoChains;
  /** Where the documents are meanwhile. */
  readonly vcons: MemoryVconStore;
  readonly progress: DemoProgress;
  /** Ends it: what is under way comes to its end. */
  readonly signal: AbortSignal;
}

/** vCons that pass side by side, and milliseconds between two of them. */
const SIDE_BY_SIDE = 7;
const PAUSE = 600;

/**
 * Runs the files of a folder through the demo's chains again and again, several at a time, but none beside itself.
 * @throws VconOtelError `FILE_UNUSABLE` if the folder cannot be used or holds no vCon
 */
export async function livelyTraffic(settings: LivelySettings): Promise<void> {
  const { folder, chains, vcons, progress, signal } = settings;
  const underWay = new Map<string, Promise<void>>();
  for (let round = 0; !signal.aborted; round += 1) {
    let isEmpty = true;
    for await (const vcon of listVcons(folder)) {
      if (signal.aborted) break;
      if ('error' in vcon) {
        if (round === 0) progress.skip(vcon.error);
        continue;
      }
      isEmpty = false;
      const key = keyOf(vcon);
      if (underWay.has(key)) continue;
      const passing = passThrough(vcon, chains, vcons, progress).finally(() => underWay.delete(key));
      underWay.set(key, passing);
      if (underWay.size >= SIDE_BY_SIDE) await Promise.race(underWay.values());
      await setTimeout(PAUSE, undefined, { signal }).catch(() => undefined);
    }
    if (isEmpty && !signal.aborted)
      throw new VconOtelError('FILE_UNUSABLE', 'the folder holds no vCon that could be read');
    // All may be under way.
    await setTimeout(1, undefined, { signal }).catch(() => undefined);
  }
  await Promise.all(underWay.values());
}

function keyOf({ uuid, text }: Extract<ListedVcon, { text: string }>): string {
  return uuid ?? text;
}
