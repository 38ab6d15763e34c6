import type { ServerFact } from '../../model/server-fact.ts';
import type { KeptLinks } from './run-links.ts';
import type { ChainSpanIds, ToldStart } from './run-start.ts';
import type { KeptServerRun, RunState, ToldSoFar } from './run-state.ts';
import type { KeptProcess } from './server-processes.ts';
import type { KeptServerRuns } from './server-runs.ts';

/** Something as it is written down: what JSON has no number for is a text. */
type Written = Readonly<Record<string, unknown>>;

/** A fact as it is written down. */
export type WrittenFact = Written;

/** Nanoseconds since the Unix epoch, on facts, links and runs that have them. */
const OF_FACTS = ['time', 'claimed', 'start', 'end'] as const;
const OF_LINKS = ['began', 'after', 'ended'] as const;
const OF_RUNS = ['chainEnded'] as const;

export function writtenFact(fact: ServerFact): WrittenFact {
  return written(fact, OF_FACTS);
}

/** The inverse of {@link writtenFact}. */
export function readFact(fact: WrittenFact): ServerFact {
  return read(fact, OF_FACTS);
}

type WrittenRun = Pick<KeptServerRun, 'hearing'> & {
  readonly start: Written;
  readonly state: Written & Readonly<Partial<Record<'chainSpan' | 'first', Written>>>;
  readonly told?: Omit<ToldSoFar, 'links'> & { readonly links: Written & { readonly open?: Written } };
};

/** A process as it is written down. */
export type WrittenProcess = Omit<KeptProcess, 'runs' | 'waiting'> & {
  readonly waiting: readonly WrittenFact[];
  readonly runs: Omit<KeptServerRuns, 'open'> & { readonly open: readonly WrittenRun[] };
};

export function writtenProcess({ runs, waiting, ...process }: KeptProcess): WrittenProcess {
  const open = runs.open.map(writtenRun);
  return { ...process, waiting: waiting.map(writtenFact), runs: { ...runs, open } };
}

/** The inverse of {@link writtenProcess}. */
export function readProcess({ runs, waiting, ...process }: WrittenProcess): KeptProcess {
  const open = runs.open.map(readRun);
  return { ...process, waiting: waiting.map(readFact), runs: { ...runs, open } };
}

function writtenRun({ start, hearing, state, told }: KeptServerRun): WrittenRun {
  const { chainSpan, first } = state;
  return {
    start: written(start, OF_FACTS),
    hearing,
    state: {
      ...written(state, OF_RUNS),
      ...(chainSpan && { chainSpan: written(chainSpan, OF_FACTS) }),
      ...(first && { first: writtenFact(first) }),
    },
    ...(told && { told: { ...told, links: writtenLinks(told.links) } }),
  };
}

function readRun({ start, hearing, state, told }: WrittenRun): KeptServerRun {
  const { chainSpan, first } = state;
  return {
    start: read<ToldStart>(start, OF_FACTS),
    hearing,
    state: {
      ...read<RunState>({ sender: undefined, ...state }, OF_RUNS),
      chainSpan: chainSpan && read<ChainSpanIds>(chainSpan, OF_FACTS),
      first: first && read(first, OF_FACTS),
    },
    told: told && { ...told, links: readLinks(told.links) },
  };
}

function writtenLinks({ open, ...links }: KeptLinks) {
  return { ...links, ...(open && { open: written(open, OF_LINKS) }) };
}

function readLinks({ open, ...links }: Written & { readonly open?: Written }): KeptLinks {
  return { ...(links as Omit<KeptLinks, 'open'>), open: open && read(open, OF_LINKS) };
}

function written(object: object, times: readonly string[]): Written {
  const texts: Record<string, unknown> = { ...object };
  for (const key of times) if (typeof texts[key] === 'bigint') texts[key] = String(texts[key]);
  return texts;
}

/** The inverse of {@link written}. */
function read<Of extends object>(texts: Written, times: readonly string[]): Of {
  const object: Record<string, unknown> = { ...texts };
  for (const key of times) if (typeof object[key] === 'string') object[key] = BigInt(object[key]);
  return object as Of;
}
