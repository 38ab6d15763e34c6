import type { LiveState, Paint } from '../live/index.ts';

/** What there is to draw with. */
export interface ViewSettings {
  readonly state: LiveState;
  /** Cells of a line. */
  readonly columns: number;
  /** Lines that there is room for. */
  readonly rows: number;
  readonly paint: Paint;
  /** Only what contains it is shown, whatever its capitals. */
  readonly filter: string;
  /** Lines of the longest list that are above what is shown. */
  readonly scroll: number;
}

/** A view as it is drawn. */
export interface DrawnView {
  readonly lines: readonly string[];
  /** How far it can be scrolled. */
  readonly most: number;
}

/** Whether any of some names contains what is looked for. */
export function isShown(filter: string, ...names: readonly (string | null | undefined)[]): boolean {
  const wanted = filter.toLowerCase();
  return wanted === '' || names.some((name) => name?.toLowerCase().includes(wanted) === true);
}
