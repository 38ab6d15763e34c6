import { setTimeout } from 'node:timers/promises';
import type { Link, Storage } from '../../model/chain.ts';

/** Changes how long steps take. */
export interface Pace {
  readonly link: (link: Link) => Link;
  readonly storage: (storage: Storage) => Storage;
}

/** Milliseconds that a step takes, at least and mostly; how often it takes ten times as long, and how often it fails. */
interface Habit {
  readonly least: number;
  readonly mostly: number;
  readonly slow?: number;
  readonly failing?: number;
}

/** Models and stores that answer over a network are not as fast as a demo's own functions, nor as dependable. */
const HABITS: Readonly<Record<string, Habit>> = {
  transcript_statistics: { least: 60, mostly: 250 },
  tag: { least: 150, mostly: 700 },
  consent_filter: { least: 80, mostly: 400 },
  redact: { least: 250, mostly: 1_200, failing: 0.02 },
  summarize: { least: 900, mostly: 4_500, slow: 0.03, failing: 0.06 },
  archive: { least: 30, mostly: 150 },
  warehouse: { least: 60, mostly: 450, failing: 0.015 },
};
const USUAL: Habit = { least: 50, mostly: 200 };

/**
 * Steps take about as long as such steps do in earnest, now and then much longer; some fail.
 * @param ending nothing waits any more: what is under way ends as fast as it can
 */
export function livelyPace(ending: AbortSignal): Pace {
  return {
    link: (link) => ({
      ...link,
      async run(vconUuid, step) {
        await take(link.name, step.signal, ending);
        return link.run(vconUuid, step);
      },
    }),
    storage: (storage) => ({
      ...storage,
      async save(vconUuid, step) {
        await take(storage.name, step.signal, ending);
        await storage.save(vconUuid, step);
      },
    }),
  };
}

async function take(name: string, signal: AbortSignal, ending: AbortSignal): Promise<void> {
  const { least, mostly, slow = 0, failing = 0 } = HABITS[name] ?? USUAL;
  // Most are near the least, few near the most.
  const usual = least + (mostly - least) * Math.random() ** 2;
  const either = AbortSignal.any([signal, ending]);
  await setTimeout(Math.random() < slow ? 10 * usual : usual, undefined, { signal: either }).catch(() =>
    signal.throwIfAborted(),
  );
  if (Math.random() < failing) throw new DOMException('it took too long', 'TimeoutError');
}
