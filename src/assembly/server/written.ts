import type { ServerFact } from '../../model/server-fact.ts';
import type { KeptServerRun, ToldStart } from './run-start.ts';
import type { KeptProcess } from './server-processes.ts';
import type { KeptServerRuns } from './server-runs.ts';

/** A fact as it is written down: what JSON has no number for is a text. */
export type WrittenFact = Readonly<Record<string, unknown>>;

/** Nanoseconds since the Unix epoch, on facts that have them. */
const TIMES = ['time', 'claimed', 'start', 'end'] as const;

export function writtenFact(fact: ServerFact): WrittenFact {
  const written: Record<string, unknown> = { ...fact };
  for (const key of TIMES) if (typeof written[key] === 'bigint') written[key] = String(written[key]);
  return written;
}

/** The inverse of {@link writtenFact}. */
export function readFact(written: WrittenFact): ServerFact {
  const fact: Record<string, unknown> = { ...written };
  for (const key of TIMES) if (typeof fact[key] === 'string') fact[key] = BigInt(fact[key]);
  return fact as unknown as ServerFact;
}

type WrittenRun = Omit<KeptServerRun, 'start' | 'facts'> & {
  readonly start: WrittenFact;
  readonly facts: readonly WrittenFact[];
};

/** A process as it is written down. */
export type WrittenProcess = Omit<KeptProcess, 'runs' | 'waiting'> & {
  readonly waiting: readonly WrittenFact[];
  readonly runs: Omit<KeptServerRuns, 'open'> & { readonly open: readonly WrittenRun[] };
};

export function writtenProcess({ runs, waiting, ...process }: KeptProcess): WrittenProcess {
  const open = runs.open.map(({ start, facts, ...run }) => ({
    ...run,
    start: writtenFact(start),
    facts: facts.map(writtenFact),
  }));
  return { ...process, waiting: waiting.map(writtenFact), runs: { ...runs, open } };
}

/** The inverse of {@link writtenProcess}. */
export function readProcess({ runs, waiting, ...process }: WrittenProcess): KeptProcess {
  const open = runs.open.map(({ start, facts, ...run }) => ({
    ...run,
    start: readFact(start) as ToldStart,
    facts: facts.map(readFact),
  }));
  return { ...process, waiting: waiting.map(readFact), runs: { ...runs, open } };
}
