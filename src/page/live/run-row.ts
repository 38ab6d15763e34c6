import type { Run, RunStep } from '../../model/run.ts';

/** A run as a line of a list: what is needed to draw it small. */
export interface RunRow {
  readonly id: string;
  readonly chain: string;
  readonly vcon: string | null;
  /** Milliseconds since the Unix epoch. */
  readonly start: number;
  /** Seconds; null while it is under way. */
  readonly duration: number | null;
  readonly outcome: string | null;
  readonly error_type: string | null;
  /** It takes longer than 99 of 100 of the last runs of its chain did. */
  readonly stalled: boolean;
  /** How many links its chain has. */
  readonly links: number;
  readonly steps: readonly StepMark[];
}

/** A step: `l` for a link and `s` for a storage; seconds from the start of the run, and null for what is not over. */
type StepMark = readonly [
  stage: string,
  name: string,
  start: number,
  duration: number | null,
  outcome: string | null,
];

/** Steps of a run that a line shows. */
const MAX_MARKS = 40;

export function runRow(run: Run, stalled = false): RunRow {
  return {
    id: run.runId,
    chain: run.chain,
    vcon: run.inVconUuid ?? null,
    start: run.start,
    duration: run.duration ?? null,
    outcome: run.outcome ?? null,
    error_type: run.errorType ?? null,
    stalled,
    links: run.links.length,
    steps: run.steps.slice(-MAX_MARKS).map((step) => stepMark(step, run.start)),
  };
}

/** Changes whenever something becomes known of a run that is under way. */
export function progressOf({ steps }: Run): number {
  let progress = 0;
  for (const { phase } of steps) progress += phase === 'start' ? 1 : 2;
  return progress;
}

function stepMark({ stage, name, start, duration, outcome }: RunStep, origin: number): StepMark {
  const [kind = ''] = stage;
  return [kind, name, rounded((start - origin) / 1e3), rounded(duration), outcome ?? null];
}

/** To a tenth of a millisecond: nothing smaller can be seen. */
function rounded(seconds: number): number;
function rounded(seconds: number | undefined): number | null;
function rounded(seconds: number | undefined): number | null {
  return seconds === undefined ? null : Math.round(seconds * 1e4) / 1e4;
}
