import { cleanText, displayWidth, fitText } from '../terminal-text.ts';

declare const markup: unique symbol;

/** Well-formed XML. Only {@link element} and {@link escaped} make it, so nothing from outside gets in unescaped. */
export type Markup = string & { readonly [markup]: true };

/**
 * An element of the document. Numbers are written with two decimals at most; undefined attributes are left out.
 * @param name and the names of attributes are the program's own.
 */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | number | undefined>>,
  content: readonly Markup[] = [],
): Markup {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? short(value) : escaped(String(value))}"`)
    .join('');
  // A line break has no meaning in a group, but it has between the parts of a text.
  const between = name === 'svg' || name === 'g' ? '\n' : '';
  return (
    content.length > 0 ? `<${name}${written}>${content.join(between)}</${name}>` : `<${name}${written}/>`
  ) as Markup;
}

/** Any text, made safe for content and attributes: without characters that XML 1.0 §2.2 forbids or a reader cannot see. */
export function escaped(of: string): Markup {
  return cleanText(of)
    .replace(NOT_XML, '')
    .replace(/[&<>"']/g, (found) => ENTITIES[found] ?? '') as Markup;
}

/** The width of a text in a font of that size, rather too much: a cell of a monospaced font is 0.55 or 0.6 em. */
export function widthOf(of: string, size: number): number {
  return displayWidth(cleanText(of)) * size * CELL;
}

/** A text cut, with `…`, to fit a width. */
export function cut(of: string, room: number, size: number): string {
  const clean = cleanText(of);
  const cells = Math.max(1, Math.floor(room / (size * CELL)));
  return displayWidth(clean) <= cells ? clean : fitText(clean, cells).trimEnd();
}

/** A number with two decimals at most: a hundredth of a pixel is invisible. Never minus zero. */
export function short(value: number): number {
  return Math.round(value * 100) / 100 + 0;
}

/**
 * Keeps a text in its place if its font does not: characters that a monospaced font lacks come from another font, in any
 * width.
 */
export function keptWidth(of: string, size: number): { textLength?: number; lengthAdjust?: string } {
  return PREDICTABLE.test(of) ? {} : { textLength: widthOf(of, size), lengthAdjust: 'spacingAndGlyphs' };
}

const CELL = 0.605;
const PREDICTABLE =
  /^[\x20-\x7e→…\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]*$/u;
const NOT_XML = /[\ufffe\uffff]/g;
const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
