import { cleanText, displayWidth, fitText } from './terminal-text.ts';

/** Pixels of a character in the monospaced font of {@link textAt}. */
export const CHARACTER = 7.2;

/** Text that anybody may have written, as XML text or attribute value. */
export function escapeXml(text: string): string {
  return cleanText(text).replace(/[&<>"']/g, (found) => `&#${found.charCodeAt(0)};`);
}

/** Pixels that a text takes. */
export function widthOf(text: string): number {
  return displayWidth(cleanText(text)) * CHARACTER;
}

/** What is drawn where: `right` texts end at x. */
export interface TextPlace {
  readonly x: number;
  readonly y: number;
  readonly look: string;
  readonly right?: boolean;
  /** Pixels that it may take: it is cut to that. */
  readonly room?: number;
}

/** A text as SVG. Whatever font the reader has, it takes the room that was reckoned with. */
export function textAt(
  text: string,
  { x, y, look, right, room = Number.POSITIVE_INFINITY }: TextPlace,
): string {
  const clean = cleanText(text);
  const cells = Math.min(displayWidth(clean), Math.max(1, Math.floor(room / CHARACTER)));
  const shown = fitText(clean, cells);
  const anchor = right ? ' text-anchor="end"' : '';
  const length = `textLength="${round(cells * CHARACTER)}" lengthAdjust="spacingAndGlyphs"`;
  return `<text x="${round(x)}" y="${round(y)}" class="${look}"${anchor} ${length}>${escapeXml(shown)}</text>`;
}

/** Two decimals: a hundredth of a pixel is seen by nobody, and files stay small. */
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}
