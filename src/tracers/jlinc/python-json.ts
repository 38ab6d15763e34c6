import { JlincError } from './failure.ts';
import { endOfNumber, pythonNumber } from './python-number.ts';
import { putUnit, unescaped } from './python-string.ts';

/**
 * The bytes of Python's `json.dumps(json.loads(text))`, both with their default arguments (CPython 3.11, `json/decoder.py`
 * and `json/encoder.py`): ASCII, separated by `, ` and `: `, numbers as `repr` writes them. Made from the text, because a
 * JavaScript object has lost what is needed: `1.0`, long integers, the order of keys that look like numbers.
 * @throws JlincError `VCON_INVALID`, permanent, if Python would refuse the text, which is never quoted
 */
export function pythonJson(text: string): Uint8Array {
  return new PythonJson(text).bytes();
}

/** About what Python's own stack allows. */
const MAX_DEPTH = 1_000;
/** Values that begin with a letter; Python reads and writes three that are not JSON. */
const WORDS: Readonly<Record<string, string>> = {
  t: 'true',
  f: 'false',
  n: 'null',
  N: 'NaN',
  I: 'Infinity',
};
const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const SPACE = 0x20;

/** Reads and writes in one pass. */
class PythonJson {
  readonly #text: string;
  #at = 0;
  #out: Buffer;
  #length = 0;

  constructor(text: string) {
    this.#text = text;
    this.#out = Buffer.allocUnsafe(text.length + (text.length >> 2) + 64);
  }

  bytes(): Uint8Array {
    this.#skipSpace();
    this.#value(0);
    this.#skipSpace();
    if (this.#at < this.#text.length) refuse();
    return this.#out.subarray(0, this.#length);
  }

  #value(depth: number): void {
    const code = this.#text.charCodeAt(this.#at);
    if (code === QUOTE) this.#string();
    else if (code === 0x7b) this.#object(depth + 1);
    else if (code === 0x5b) this.#array(depth + 1);
    else if ((code >= 0x30 && code <= 0x39) || code === MINUS) this.#number();
    else this.#word();
  }

  #object(depth: number): void {
    if (depth > MAX_DEPTH) refuse();
    this.#at += 1;
    this.#put('{');
    this.#skipSpace();
    if (!this.#takes(0x7d)) this.#members(depth);
    this.#put('}');
  }

  #members(depth: number): void {
    const keys: string[] = [];
    const starts: number[] = [];
    do {
      if (keys.length > 0) this.#put(', ');
      this.#skipSpace();
      if (this.#text.charCodeAt(this.#at) !== QUOTE) refuse();
      starts.push(this.#length);
      keys.push(this.#key());
      this.#skipSpace();
      if (!this.#takes(COLON)) refuse();
      this.#put(': ');
      this.#skipSpace();
      this.#value(depth);
      this.#skipSpace();
    } while (this.#takes(COMMA));
    if (!this.#takes(0x7d)) refuse();
    if (new Set(keys).size < keys.length) this.#lastWins(keys, starts);
  }

  /** Writes a key. Its text includes the quotes, as written: equal keys have equal texts. */
  #key(): string {
    const begin = this.#at;
    const start = this.#length;
    const plain = this.#string();
    return plain ? this.#text.slice(begin, this.#at) : this.#out.toString('latin1', start, this.#length);
  }

  /** Of members with the same key, the last one counts, in the place of the first, as in a Python dict. */
  #lastWins(keys: readonly string[], starts: readonly number[]): void {
    const first = starts[0] ?? 0;
    const last = new Map<string, Uint8Array>();
    for (const [i, key] of keys.entries()) {
      const next = starts[i + 1];
      const end = next === undefined ? this.#length : next - SEPARATOR.length;
      last.set(key, this.#out.subarray(starts[i], end));
    }
    const written = Buffer.concat([...last.values()].flatMap((member) => [member, SEPARATOR]));
    this.#length = first + written.copy(this.#out, first, 0, written.length - SEPARATOR.length);
  }

  #array(depth: number): void {
    if (depth > MAX_DEPTH) refuse();
    this.#at += 1;
    this.#put('[');
    this.#skipSpace();
    if (!this.#takes(0x5d)) this.#items(depth);
    this.#put(']');
  }

  #items(depth: number): void {
    this.#value(depth);
    this.#skipSpace();
    while (this.#takes(COMMA)) {
      this.#put(', ');
      this.#skipSpace();
      this.#value(depth);
      this.#skipSpace();
    }
    if (!this.#takes(0x5d)) refuse();
  }

  /** @returns whether it is written exactly as in the text */
  #string(): boolean {
    const text = this.#text;
    let at = this.#at + 1;
    let plain = true;
    let length = this.#length;
    let out = this.#out;
    let room = 0;
    for (; ; at += 1) {
      // Checked here, not for each of the six bytes that a character may take.
      if (length >= room) {
        this.#length = length;
        out = this.#reserve(2 * ROOM);
        room = out.length - ROOM;
        if (at === this.#at + 1) out[length++] = QUOTE;
      }
      const code = text.charCodeAt(at);
      if (code >= SPACE && code < 0x7f && code !== QUOTE && code !== BACKSLASH) {
        out[length++] = code;
        continue;
      }
      if (code === QUOTE) break;
      plain = false;
      if (code === BACKSLASH) {
        length = putUnit(out, length, unescaped(text, at + 1) ?? refuse());
        at += text.charCodeAt(at + 1) === 0x75 ? 5 : 1;
      } else {
        // Control characters must be escaped; at the end of the text there is no character.
        if (!(code >= SPACE)) refuse();
        length = putUnit(out, length, code);
      }
    }
    out[length++] = QUOTE;
    this.#length = length;
    this.#at = at + 1;
    return plain;
  }

  #number(): void {
    const end = endOfNumber(this.#text, this.#at);
    if (end === this.#at) {
      this.#word();
      return;
    }
    const number = pythonNumber(this.#text.slice(this.#at, end));
    this.#at = end;
    this.#put(number ?? refuse());
  }

  #word(): void {
    const text = this.#text;
    const word = text.startsWith('-Infinity', this.#at) ? '-Infinity' : WORDS[text.charAt(this.#at)];
    if (word === undefined || !text.startsWith(word, this.#at)) refuse();
    else {
      this.#at += word.length;
      this.#put(word);
    }
  }

  #skipSpace(): void {
    const text = this.#text;
    let at = this.#at;
    for (let code = text.charCodeAt(at); isSpace(code); code = text.charCodeAt(at)) at += 1;
    this.#at = at;
  }

  #takes(code: number): boolean {
    if (this.#text.charCodeAt(this.#at) !== code) return false;
    this.#at += 1;
    return true;
  }

  #put(ascii: string): void {
    const out = this.#reserve(ascii.length);
    for (let i = 0; i < ascii.length; i += 1) out[this.#length + i] = ascii.charCodeAt(i);
    this.#length += ascii.length;
  }

  #reserve(bytes: number): Buffer {
    const needed = this.#length + bytes;
    if (needed <= this.#out.length) return this.#out;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#out.length, needed));
    this.#out.copy(larger, 0, 0, this.#length);
    this.#out = larger;
    return larger;
  }
}

function isSpace(code: number): boolean {
  return code === SPACE || code === 0x0a || code === 0x0d || code === 0x09;
}

const SEPARATOR = Buffer.from(', ');
/** More than the two quotes and the one character that a string may need between two checks. */
const ROOM = 8;

function refuse(): never {
  throw new JlincError('VCON_INVALID', 'the document is not JSON as Python reads it', { permanent: true });
}
