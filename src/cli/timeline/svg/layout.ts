import { stepName } from '../run-words.ts';
import type { TimelineRun, TimelineStep } from '../timeline-run.ts';
import { widthOf } from './markup.ts';

/** The columns of a picture, the same in all its cards: names, bars, durations. Units are pixels. */
export interface Columns {
  /** Of the whole picture. */
  readonly width: number;
  /** Whether the bar of a step is below its name, since there is no room for it beside. */
  readonly isStacked: boolean;
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

/** As wide as a README on GitHub, in pixels. */
export const USUAL_WIDTH = 840;
export const PADDING = 20;
export const NAME_SIZE = 12;
export const DURATION_WIDTH = 72;

/** Shorter bars would not be visible. */
const LEAST_BAR = 2;
const NAME_LEFT = PADDING + 22;
const MAX_NAME_WIDTH = 270;
const STACKED_BELOW = 600;
/** What a label of the scale may need beyond the last bar, besides the padding. */
const HALF_LABEL = 12;
const BETWEEN = 16;
const DEEPEST_INDENT = 6;

/** The columns of a picture of that width. */
export function columnsFor(runs: readonly TimelineRun[], width: number): Columns {
  const durations = width - PADDING;
  if (width < STACKED_BELOW)
    return {
      width,
      isStacked: true,
      name: NAME_LEFT,
      nameWidth: durations - DURATION_WIDTH - NAME_LEFT,
      bars: NAME_LEFT,
      barsWidth: durations - HALF_LABEL - NAME_LEFT,
      durations,
    };
  const widest = runs
    .flatMap(({ steps }) => steps)
    .reduce((most, step) => Math.max(most, indentOf(step) + widthOf(stepName(step), NAME_SIZE)), 0);
  const nameWidth = Math.min(MAX_NAME_WIDTH, Math.ceil(widest));
  const bars = NAME_LEFT + nameWidth + BETWEEN;
  return {
    width,
    isStacked: false,
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
