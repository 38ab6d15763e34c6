import { isUtf8 } from 'node:buffer';

/** Texts that are kept of each kind, and the bytes of the longest: names and uuids are shorter. */
const SLOTS = 4_096;
const LONGEST = 64;
/** Bytes at the end of a text that tell it from others, and at its beginning. */
const LAST = 8;
const FIRST = 4;

/**
 * Texts that come again and again – keys, names, the ids that spans of a run have in common – are made once: one that is
 * there already is recognised by its bytes, and takes no memory for each span that has it.
 */
export class SharedTexts {
  readonly #utf8: string[] = Array(SLOTS).fill('');
  readonly #hex: string[] = Array(SLOTS).fill('');

  /** The text that some bytes are in UTF-8; undefined where they are not. */
  utf8(bytes: Buffer, from: number, to: number): string | undefined {
    if (to - from > LONGEST) return made(bytes, from, to);
    const slot = slotOf(bytes, from, to);
    const kept = this.#utf8[slot] ?? '';
    if (isAscii(kept, bytes, from, to)) return kept;
    const text = made(bytes, from, to);
    if (text !== undefined && isAscii(text, bytes, from, to)) this.#utf8[slot] = text;
    return text;
  }

  /** Some bytes in lower-case hex. */
  hex(bytes: Buffer, from: number, to: number): string {
    if (to - from > LONGEST) return bytes.toString('hex', from, to);
    const slot = slotOf(bytes, from, to);
    const kept = this.#hex[slot] ?? '';
    if (isHex(kept, bytes, from, to)) return kept;
    const text = bytes.toString('hex', from, to);
    this.#hex[slot] = text;
    return text;
  }
}

function made(bytes: Buffer, from: number, to: number): string | undefined {
  return isUtf8(bytes.subarray(from, to)) ? bytes.toString('utf8', from, to) : undefined;
}

/** What comes later takes the place of what came before. */
function slotOf(bytes: Buffer, from: number, to: number): number {
  let hash = to - from;
  for (let at = from; at < to && at < from + FIRST; at += 1)
    hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  for (let at = Math.max(from, to - LAST); at < to; at += 1)
    hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  return (hash ^ (hash >>> 15)) & (SLOTS - 1);
}

/** Whether a text is these bytes, each of which is a character of it. */
function isAscii(text: string, bytes: Buffer, from: number, to: number): boolean {
  if (text.length !== to - from) return false;
  for (let at = from; at < to; at += 1) if (text.charCodeAt(at - from) !== bytes[at]) return false;
  return true;
}

function isHex(text: string, bytes: Buffer, from: number, to: number): boolean {
  if (text.length !== 2 * (to - from)) return false;
  for (let at = from, i = 0; at < to; at += 1, i += 2) {
    const byte = bytes[at] ?? 0;
    if (text.charCodeAt(i) !== DIGITS[byte >>> 4] || text.charCodeAt(i + 1) !== DIGITS[byte & 15])
      return false;
  }
  return true;
}

const DIGITS: readonly number[] = Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
