import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { VconOtelError } from '../../model/error.ts';
import { listVcons, type MemoryVconStore, memoryVconStore } from '../../vcon-store/index.ts';
import { demoChains } from './chains.ts';
import { passThrough } from './pass-through.ts';
import type { DemoProgress } from './progress.ts';

/** What {@link makeTraffic} needs. */
export interface TrafficSettings {
  /** Folder of vCon files. */
  readonly vcons: string;
  /** Milliseconds between two vCons. */
  readonly pause: number;
  readonly progress: DemoProgress;
  /** Where the documents are meanwhile; one of its own by default. */
  readonly store?: MemoryVconStore;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** How many documents are in memory: a vCon that is in the chains, and the copies made of it. */
const MAX_VCONS = 16;

/**
 * Runs the files of a folder through the demo's chains again and again. Nothing grows: what storages keep is in a temporary
 * folder that is emptied after each round.
 * @throws VconOtelError `FILE_UNUSABLE` if the folder, or the temporary one, cannot be used or holds no vCon
 */
export async function makeTraffic(settings: TrafficSettings): Promise<void> {
  for (let round = 0; !settings.signal.aborted; round += 1) {
    const directory = await temporaryFolder();
    try {
      const ran = await runRound(directory, round, settings);
      if (!ran) throw new VconOtelError('FILE_UNUSABLE', 'the folder holds no vCon that could be read');
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }
}

/** @returns whether there was any vCon, unless it was told to end */
async function runRound(
  directory: string,
  round: number,
  { vcons: folder, pause, progress, signal, store }: TrafficSettings,
): Promise<boolean> {
  const chains = demoChains({ directory });
  const vcons = store ?? memoryVconStore({ maxVcons: MAX_VCONS });
  let ran = false;
  try {
    for await (const vcon of listVcons(folder)) {
      if (signal.aborted) return true;
      if ('error' in vcon) {
        // The same files as in the first round.
        if (round === 0) progress.skip(vcon.error);
        continue;
      }
      await passThrough(vcon, chains, vcons, progress);
      ran = true;
      await setTimeout(pause, undefined, { signal }).catch(() => undefined);
    }
    return ran;
  } finally {
    chains.close();
  }
}

async function temporaryFolder(): Promise<string> {
  try {
    return await mkdtemp(join(tmpdir(), 'vcon-otel-demo-'));
  } catch (cause) {
    throw new VconOtelError('FILE_UNUSABLE', 'no temporary folder can be made', { cause });
  }
}
