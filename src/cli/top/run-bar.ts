import type { RunRow } from '../../page/live/run-row.ts';

/**
 * A run under way in so many cells: steps that are over by turns `▓` and `▒`, the one under way `█`, what is between steps `░`, and `│` where 99 of 100 runs
 * of its chain were over.
 */
export function runBar(
  { steps }: RunRow,
  { age, scale, usual }: { readonly age: number; readonly scale: number; readonly usual: number | null },
  cells: number,
): string {
  const mark = usual === null ? -1 : Math.floor((usual / scale) * cells);
  let drawn = '';
  for (let cell = 0; cell < cells; cell += 1) {
    const from = (cell / cells) * scale;
    if (cell > 0 && from > age) drawn += cell === mark ? '│' : ' ';
    else drawn += stepAt(steps, ((cell + 0.5) / cells) * scale);
  }
  return drawn;
}

function stepAt(steps: RunRow['steps'], time: number): string {
  const at = steps.findLastIndex(([, , start]) => start <= time);
  const [, , start = 0, duration = 0] = steps[at] ?? [];
  if (at === -1) return '░';
  if (duration === null) return '█';
  if (time > start + duration) return '░';
  return at % 2 === 0 ? '▓' : '▒';
}

/** A scale on which most of some lengths are to be seen. @param lengths seconds */
export function scaleOf(lengths: readonly number[]): number {
  const sorted = [...lengths].sort((a, b) => a - b);
  const most = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.92))] ?? 0;
  // A single one far out is shown as far as it goes.
  return Math.max(1, Math.min(sorted.at(-1) ?? 1, most * 1.6));
}
