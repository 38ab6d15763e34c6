import { stated, statementsOf } from '../emit.ts';
import { EmittedRun } from './emitted-run.ts';
import { RunLinks } from './run-links.ts';
import type { Hearing, ToldStart } from './run-start.ts';
import type { RunState, ToldSoFar } from './run-state.ts';
import { RunStorages } from './run-storages.ts';

/** A run from its first event on. */
export interface BegunRun {
  readonly emitted: EmittedRun;
  readonly links: RunLinks;
  readonly storages: RunStorages;
}

/** Makes the first event of a run. @param state is looked at by all that come after it */
export function begin(
  start: ToldStart,
  hearing: Hearing,
  state: Readonly<RunState>,
  vconSha256: string | undefined,
): BegunRun {
  const { host, pid, boot, seq, time, isConcluded = false } = start;
  const { chainSpan, sender } = state;
  const emitted = EmittedRun.begin(
    {
      ...start,
      sender,
      start: chainSpan?.start ?? time,
      vconSha256,
      inferred: [
        ...(isConcluded && chainSpan?.start === undefined ? ['time'] : []),
        ...(growsLinks(start) ? ['links'] : []),
      ],
    },
    chainSpan,
    [host, pid, boot, seq],
    () => concluded(hearing, state),
  );
  return begunRun(start, hearing, state, emitted);
}

/** A run that goes on where it was, see {@link toldSoFar}. */
export function goOn(
  start: ToldStart,
  hearing: Hearing,
  state: Readonly<RunState>,
  told: ToldSoFar,
): BegunRun | undefined {
  const run = stated(told.statements);
  const emitted = run && new EmittedRun(run, () => concluded(hearing, state));
  return emitted && begunRun(start, hearing, state, emitted, told);
}

/** What it takes to go on. */
export function toldSoFar({ emitted, links, storages }: BegunRun): ToldSoFar {
  return { statements: statementsOf(emitted.run), links: links.kept, storages: storages.kept };
}

function begunRun(
  start: ToldStart,
  { afterLink: hasAfterLink }: Hearing,
  { chainSpan }: Readonly<RunState>,
  emitted: EmittedRun,
  told?: ToldSoFar,
): BegunRun {
  const { links, vconUuid } = start;
  const hasSpans = chainSpan !== undefined;
  const settings = { links, growsLinks: growsLinks(start), vconUuid, hasSpans, hasAfterLink };
  return {
    emitted,
    links: new RunLinks(emitted, settings, told?.links),
    storages: new RunStorages(emitted, told?.storages),
  };
}

function growsLinks({ isConcluded = false, links }: ToldStart): boolean {
  return isConcluded && links.length === 0;
}

/** The names of what is concluded throughout, as things stand. */
function concluded(
  { exportsSpans }: Hearing,
  { chainSpan, hasGap, hasWrongTime }: Readonly<RunState>,
): readonly string[] {
  return [
    ...(chainSpan && exportsSpans ? [] : ['span']),
    ...(hasGap ? ['facts'] : []),
    ...(hasWrongTime ? ['time'] : []),
  ];
}
