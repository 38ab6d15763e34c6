/** Where a bar is, as parts of the whole: 0 … 1. */
export interface BarExtent {
  readonly start: number;
  readonly end: number;
}

/**
 * A bar of block characters in so many cells, blanks included. It begins at the nearest whole cell; its length is
 * exact to an eighth of a cell, which is also the minimum. Anything outside the whole is drawn at its edge.
 */
export function bar({ start, end }: BarExtent, cells: number): string {
  const from = within(start) * cells;
  const first = Math.min(cells - 1, Math.round(from));
  const wanted = Math.max(1, Math.round((within(end) * cells - from) * 8));
  const eighths = Math.min(wanted, (cells - first) * 8);
  const drawn = '█'.repeat(Math.floor(eighths / 8)) + (PARTS[eighths % 8] ?? '');
  return (' '.repeat(first) + drawn).padEnd(cells);
}

const PARTS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

function within(part: number): number {
  return Math.min(1, Math.max(0, part));
}
