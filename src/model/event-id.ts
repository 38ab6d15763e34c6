import type { ChainEvent } from './event.ts';

/** The ends of the event ids of a chain or a step, by phase: they follow the run's id. */
export type EventIdEndings = Readonly<Record<ChainEvent['phase'], string>>;

/** For how many links and storages these are kept: far more than a conserver has. */
const MAX_KEPT = 1_000;
const kept = new Map<string | number, EventIdEndings>();

/**
 * The ends of the ids of a step's events. Kept, because they are the same in every run: for each event, only two strings
 * have to be joined.
 * @param step a link's index, or a storage's name
 * @param before how often the run has already written this storage
 */
export function eventIdEndings(step: string | number, before = 0): EventIdEndings {
  if (before > 0) return endings(`storage/${step}~${before + 1}`);
  let known = kept.get(step);
  if (!known) {
    known = endings(typeof step === 'number' ? `link/${step}` : `storage/${step}`);
    if (kept.size < MAX_KEPT) kept.set(step, known);
  }
  return known;
}

function endings(key: string): EventIdEndings {
  return {
    start: `/${key}/start`,
    complete: `/${key}/complete`,
    error: `/${key}/error`,
    lost: `/${key}/lost`,
  };
}

/** Those of a chain's own events. */
export const CHAIN_EVENT_IDS: EventIdEndings = endings('chain');
