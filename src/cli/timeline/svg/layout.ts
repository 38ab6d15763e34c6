import { stepName } from '../run-words.ts';
import type { TimelineRun, TimelineStep } from '../timeline-run.ts';
import { widthOf } from './markup.ts';

/** The columns of a picture, the same in all its cards: names, bars, durations. Units are pixels. */
export interface Columns {
  readonly name: number;
  readonly nameWidth: number;
  readonly bars: number;
  readonly barsWidth: number;
  /** Where durations end. */
  readonly durations: number;
}

/** Where a bar is. */
export interface Span {
  readonly left: number;
  readonly right: number;
}

/** As wide as a README on GitHub. */
export const WIDTH = 840;
export const PADDING = 20;
export const NAME_SIZE = 12;

/** Shorter bars would not be visible. */
const LEAST_BAR = 2;
const NAME_LEFT = PADDING + 22;
const MAX_NAME_WIDTH = 270;
const DURATION_WIDTH = 72;
const BETWEEN = 16;
const DEEPEST_INDENT = 6;

export function columnsFor(runs: readonly TimelineRun[]): Columns {
  const widest = runs
    .flatMap(({ steps }) => steps)
    .reduce((most, step) => Math.max(most, indentOf(step) + widthOf(stepName(step), NAME_SIZE)), 0);
  const nameWidth = Math.min(MAX_NAME_WIDTH, Math.ceil(widest));
  const bars = NAME_LEFT + nameWidth + BETWEEN;
  const durations = WIDTH - PADDING;
  return {
    name: NAME_LEFT,
    nameWidth,
    bars,
    barsWidth: durations - DURATION_WIDTH - bars,
    durations,
  };
}

/** A bar between two places of the column of bars, long enough to be visible. */
export function barBetween(from: number, to: number, { bars, barsWidth }: Columns): Span {
  const left = bars + Math.min(from, barsWidth - LEAST_BAR);
  return { left, right: Math.max(left + LEAST_BAR, bars + to) };
}

export function indentOf({ depth }: TimelineStep): number {
  return Math.min(depth, DEEPEST_INDENT) * 12;
}
