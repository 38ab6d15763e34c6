import type { ServerFact } from '../../model/server-fact.ts';

/** Something as it is written down: what JSON has no number for is a text. */
export type WrittenObject = Readonly<Record<string, unknown>>;

/** A fact as it is written down. */
export type WrittenFact = WrittenObject;

/** Nanoseconds since the Unix epoch, on facts that have them. */
const TIMES = ['time', 'claimed', 'start', 'end'] as const;

export function writtenFact(fact: object): WrittenFact {
  return written(fact, TIMES);
}

/** The inverse of {@link writtenFact}. */
export function readFact<Fact extends object = ServerFact>(fact: WrittenFact): Fact {
  return read(fact, TIMES);
}

/** @param times the keys of what is nanoseconds */
export function written(object: object, times: readonly string[]): WrittenObject {
  const texts: Record<string, unknown> = { ...object };
  for (const key of times) if (typeof texts[key] === 'bigint') texts[key] = String(texts[key]);
  return texts;
}

/** The inverse of {@link written}. */
export function read<Of extends object>(texts: WrittenObject, times: readonly string[]): Of {
  const object: Record<string, unknown> = { ...texts };
  for (const key of times) if (typeof object[key] === 'string') object[key] = BigInt(object[key]);
  return object as Of;
}
