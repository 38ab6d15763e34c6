import type { Phase } from '../model/event.ts';

type Endings = Readonly<Record<Phase, string>>;

/** Links and storages whose endings are kept: far more than a conserver has. */
const MAX_KEPT = 1_000;
const kept = new Map<string | number, Endings>();

/**
 * The part of an event id after the run's. Kept, because it is the same in every run: what is left to be made for each
 * event is a string of two parts.
 * @param subject a link's index, a storage's name, or undefined for the chain
 * @param pass how often this storage was written in the run before
 */
export function endingsOf(subject: string | number | undefined, pass: number): Endings {
  if (subject === undefined) return CHAIN;
  if (pass > 0) return endings(`storage/${subject}~${pass + 1}`);
  let known = kept.get(subject);
  if (!known) {
    known = endings(typeof subject === 'number' ? `link/${subject}` : `storage/${subject}`);
    if (kept.size < MAX_KEPT) kept.set(subject, known);
  }
  return known;
}

function endings(key: string): Endings {
  return { start: `/${key}/start`, complete: `/${key}/complete`, error: `/${key}/error` };
}

const CHAIN = endings('chain');
