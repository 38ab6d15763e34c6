import { formatDuration } from '../format-duration.ts';

/** A stretch of time in seconds. */
export interface TimeStretch {
  readonly start: number;
  readonly end: number;
}

/** Time from left to right. Where nothing happens for long, the scale has a break. */
export interface TimeScale {
  /** Where a moment is, from 0 to the width of the scale. */
  x(time: number): number;
  /** Round times since the beginning, or since the last break. */
  readonly ticks: readonly { readonly x: number; readonly label: string }[];
  /** Long waits, each drawn much shorter than it was. */
  readonly breaks: readonly { readonly x: number; readonly width: number; readonly label: string }[];
}

/** A wait counts as long if it exceeds this part of the time in which something happens. */
const LONG_WAIT = 0.25;
const BREAK_WIDTH = 30;
/** All breaks together take no more than this part of the width. */
const MAX_BREAKS = 0.4;
const TICK_SPACING = 84;

/** @param busy when something happens; one stretch at least, in any order. */
export function timeScale(busy: readonly TimeStretch[], width: number): TimeScale {
  const stretches = merge(busy, 0);
  const total = stretches.reduce((sum, { start, end }) => sum + end - start, 0);
  const pieces = merge(stretches, total * LONG_WAIT);
  const shown = pieces.reduce((sum, { start, end }) => sum + end - start, 0);
  const gaps = pieces.length - 1;
  const gapWidth = gaps > 0 ? Math.min(BREAK_WIDTH, (width * MAX_BREAKS) / gaps) : 0;
  // Spans have nanoseconds, and may say that everything took none.
  const perSecond = (width - gaps * gapWidth) / Math.max(shown, 1e-9);

  const places: Place[] = [];
  let left = 0;
  for (const { start, end } of pieces) {
    const right = left + (end - start) * perSecond;
    places.push({ start, end, left, right });
    left = right + gapWidth;
  }
  return {
    x: (time) => xOf(time, places, perSecond, width),
    ticks: places.flatMap((place, index) => ticksOf(place, index > 0, perSecond)),
    breaks: places.slice(1).map((place, index) => ({
      x: place.left - gapWidth,
      width: gapWidth,
      label: formatDuration(place.start - (places[index]?.end ?? 0)),
    })),
  };
}

/** A stretch and where it is drawn. */
interface Place extends TimeStretch {
  readonly left: number;
  readonly right: number;
}

/** In order; stretches that are no further apart than that become one. */
function merge(stretches: readonly TimeStretch[], apart: number): TimeStretch[] {
  const merged: { start: number; end: number }[] = [];
  for (const { start, end } of stretches.toSorted((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last && start - last.end <= apart) last.end = Math.max(last.end, end);
    else merged.push({ start, end });
  }
  return merged;
}

/** A wrong clock puts steps outside their run: those are drawn in a break, or at an edge. */
function xOf(time: number, places: readonly Place[], perSecond: number, width: number): number {
  const index = places.findLastIndex(({ start }) => start <= time);
  const place = places[index];
  if (!place) return 0;
  if (time <= place.end) return place.left + (time - place.start) * perSecond;
  const next = places[index + 1];
  if (!next) return width;
  return place.right + ((time - place.end) / (next.start - place.end)) * (next.left - place.right);
}

function ticksOf({ start, end, left, right }: Place, afterBreak: boolean, perSecond: number) {
  const step = roundStep(TICK_SPACING / perSecond);
  const count = Math.floor(((end - start) / step) * (1 + 1e-9));
  // The break itself marks the beginning after it.
  return Array.from({ length: count + 1 }, (_, index) => ({
    x: Math.min(right, left + index * step * perSecond),
    label: afterBreak ? `+${tickLabel(index * step)}` : tickLabel(index * step),
  })).slice(afterBreak ? 1 : 0);
}

const CLOCK_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200];

/** The smallest round step that is not shorter. */
function roundStep(seconds: number): number {
  const onClock = CLOCK_STEPS.find((step) => step >= seconds);
  if (onClock !== undefined && seconds > 0.5) return onClock;
  const unit = seconds > 0.5 ? 86_400 : 1;
  const power = 10 ** Math.floor(Math.log10(seconds / unit));
  const factor = [1, 2, 5, 10].find((round) => round * power * unit >= seconds * (1 - 1e-9)) ?? 10;
  return factor * power * unit;
}

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
] as const;

/** A round time, as short as possible: `0`, `250 µs`, `1.5 s`, `1 h 30 m`. */
function tickLabel(seconds: number): string {
  if (seconds === 0) return '0';
  if (seconds < 59.999) {
    const [unit, size] = seconds < 0.000_999 ? ['µs', 1e6] : seconds < 0.999 ? ['ms', 1e3] : ['s', 1];
    return `${Number((seconds * Number(size)).toPrecision(6))} ${unit}`;
  }
  const parts: string[] = [];
  let rest = Math.round(seconds);
  for (const [unit, size] of UNITS) {
    if (rest >= size) parts.push(`${Math.floor(rest / size)} ${unit}`);
    rest %= size;
  }
  return [...parts, ...(rest > 0 ? [`${rest} s`] : [])].join(' ');
}
