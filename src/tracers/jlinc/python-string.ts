/**
 * The UTF-16 code unit that a JSON escape stands for (RFC 8259 §7); undefined if it is not an escape.
 * @param at where the text continues after the backslash
 */
export function unescaped(text: string, at: number): number | undefined {
  if (text.charCodeAt(at) !== LETTER_U) return ESCAPES[text.charAt(at)];
  const digits = text.slice(at + 1, at + 5);
  return /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : undefined;
}

/**
 * Writes a UTF-16 code unit inside a string as Python does (`ensure_ascii`), in at most six bytes.
 * @returns where it ends
 */
export function putUnit(out: Buffer, length: number, unit: number): number {
  if (unit >= SPACE && unit < 0x7f && unit !== QUOTE && unit !== BACKSLASH) {
    out[length] = unit;
    return length + 1;
  }
  out[length] = BACKSLASH;
  const short = SHORT.get(unit);
  if (short !== undefined) {
    out[length + 1] = short;
    return length + 2;
  }
  out[length + 1] = LETTER_U;
  for (let i = 0; i < 4; i += 1) out[length + 2 + i] = HEX[(unit >> (12 - 4 * i)) & 15] ?? 0;
  return length + 6;
}

/** What follows a backslash, and what it means. */
const ESCAPES: Readonly<Record<string, number>> = {
  '"': 0x22,
  '\\': 0x5c,
  '/': 0x2f,
  b: 0x08,
  f: 0x0c,
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
};
/** The reverse, for characters that Python writes with a short escape. */
const SHORT: ReadonlyMap<number, number> = new Map([
  [0x22, 0x22],
  [0x5c, 0x5c],
  [0x08, 0x62],
  [0x0c, 0x66],
  [0x0a, 0x6e],
  [0x0d, 0x72],
  [0x09, 0x74],
]);
const HEX = Buffer.from('0123456789abcdef');

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const LETTER_U = 0x75;
