import type { KeptLinks } from './run-links.ts';
import type { ChainSpanIds, ToldStart } from './run-start.ts';
import type { KeptServerRun, RestingRun, RunState, ToldSoFar } from './run-state.ts';
import {
  read,
  readFact,
  type WrittenFact,
  type WrittenObject,
  written,
  writtenFact,
} from './written-fact.ts';

/** Nanoseconds since the Unix epoch, on runs and links that have them. */
const OF_RUNS = ['chainEnded'] as const;
const OF_LINKS = ['began', 'after', 'ended'] as const;

interface WrittenRun extends Pick<KeptServerRun, 'hearing'> {
  readonly start: WrittenFact;
  readonly state: WrittenObject & Readonly<Partial<Record<'chainSpan' | 'first', WrittenFact>>>;
  readonly told?: Omit<ToldSoFar, 'links'> & {
    readonly links: WrittenObject & { readonly open?: WrittenObject };
  };
}

/** A run as it is written down: in a line of JSON, beside what it is found by. */
export function writtenRun(run: KeptServerRun): RestingRun {
  const { start, hearing, state, told } = run;
  const { chainSpan, first, facts, missed } = state;
  const whole: WrittenRun = {
    start: writtenFact(start),
    hearing,
    state: {
      ...written(state, OF_RUNS),
      ...(chainSpan && { chainSpan: writtenFact(chainSpan) }),
      ...(first && { first: writtenFact(first) }),
    },
    ...(told && { told: { ...told, links: writtenLinks(told.links) } }),
  };
  const { thread, run: number, chain } = start;
  return {
    ...{ thread, number, chain, chainSpanId: chainSpan?.spanId, began: String(start.time) },
    ...{ size: facts, missed, line: Buffer.from(JSON.stringify(whole)) },
  };
}

/** The inverse of {@link writtenRun}. */
export function readRun({ line }: RestingRun): KeptServerRun {
  const { start, hearing, state, told } = JSON.parse(line.toString()) as WrittenRun;
  const { chainSpan, first } = state;
  return {
    start: readFact<ToldStart>(start),
    hearing,
    state: {
      ...read<RunState>({ sender: undefined, ...state }, OF_RUNS),
      chainSpan: chainSpan && readFact<ChainSpanIds>(chainSpan),
      first: first && readFact(first),
    },
    told: told && { ...told, links: readLinks(told.links) },
  };
}

function writtenLinks({ open, ...links }: KeptLinks) {
  return { ...links, ...(open && { open: written(open, OF_LINKS) }) };
}

function readLinks({ open, ...links }: WrittenObject & { readonly open?: WrittenObject }): KeptLinks {
  return { ...(links as Omit<KeptLinks, 'open'>), open: open && read(open, OF_LINKS) };
}
