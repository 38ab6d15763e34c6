import { stripVTControlCharacters } from 'node:util';

/**
 * Text from a file, made safe for a terminal: escape sequences, control characters (C0, C1), line separators and
 * invisible format characters (which can reverse the direction of writing) are removed.
 */
export function cleanText(text: string): string {
  return stripVTControlCharacters(text).replace(INVISIBLE, '');
}

/** JSON on one line in which the same characters are escaped: JSON itself requires that only of the C0 ones. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value).replace(INVISIBLE, (found) =>
    found
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

/** A text that leads to a page, where there is one: OSC 8. @param url in visible ASCII */
export function hyperlink(text: string, url: string | undefined): string {
  return url === undefined ? text : `\u001b]8;;${url}\u001b\\${text}\u001b]8;;\u001b\\`;
}

/** How many terminal cells a clean text takes: two for wide East Asian characters and emoji, none for combining characters. */
export function displayWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of GRAPHEMES.segment(text)) width += graphemeWidth(segment);
  return width;
}

/** A clean text cut (with `…`) or padded with blanks to exactly so many cells. */
export function fitText(text: string, width: number): string {
  const missing = width - displayWidth(text);
  if (missing >= 0) return text + ' '.repeat(missing);
  let cut = '';
  let used = 0;
  for (const { segment } of GRAPHEMES.segment(text)) {
    used += graphemeWidth(segment);
    if (used > width - 1) break;
    cut += segment;
  }
  return `${cut}…${' '.repeat(Math.max(0, width - 1 - displayWidth(cut)))}`;
}

const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const GRAPHEMES = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Unicode's East Asian Wide and Fullwidth, by script, since JavaScript knows no such property. */
const WIDE =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\p{Script=Yi}\p{Emoji_Presentation}\u3000-\u303e\u30fb\u30fc\uff01-\uff60\uffe0-\uffe6]/u;
const HALF_WIDTH = /^[\uff61-\uffdc]/;
const COMBINING = /^\p{M}/u;

function graphemeWidth(grapheme: string): number {
  if (COMBINING.test(grapheme)) return 0;
  if (grapheme.includes('\ufe0f')) return 2;
  return WIDE.test(grapheme) && !HALF_WIDTH.test(grapheme) ? 2 : 1;
}
