/**
 * Where the JSON number that begins at a place ends; the place itself if there is none. The longest number counts:
 * `1.` ends before the point (CPython 3.11, `_match_number_unicode` in `Modules/_json.c`).
 */
export function endOfNumber(text: string, begin: number): number {
  const integer = text.charCodeAt(begin) === MINUS ? begin + 1 : begin;
  let at = text.charCodeAt(integer) === ZERO ? integer + 1 : afterDigits(text, integer);
  if (at === integer) return begin;
  if (text.charCodeAt(at) === POINT) {
    const end = afterDigits(text, at + 1);
    if (end > at + 1) at = end;
  }
  if ((text.charCodeAt(at) | 0x20) === LETTER_E) {
    const sign = text.charCodeAt(at + 1);
    const digits = sign === MINUS || sign === PLUS ? at + 2 : at + 1;
    const end = afterDigits(text, digits);
    if (end > digits) at = end;
  }
  return at;
}

/**
 * A JSON number as Python would write it: an `int`, however long, or the `repr` of a `float`. Undefined if Python
 * refuses it: an integer of more than 4,300 digits (`sys.int_info.default_max_str_digits`).
 */
export function pythonNumber(text: string): string | undefined {
  if (/[.eE]/.test(text)) return isItsOwnRepr(text) ? text : pythonFloat(Number(text));
  if (text.length > MAX_DIGITS && text.replace('-', '').length > MAX_DIGITS) return undefined;
  return text === '-0' ? '0' : text;
}

const MAX_DIGITS = 4_300;
const PLUS = 0x2b;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const LETTER_E = 0x65;

function afterDigits(text: string, from: number): number {
  let at = from;
  for (let code = text.charCodeAt(at); code >= ZERO && code <= NINE; code = text.charCodeAt(at)) at += 1;
  return at;
}

/**
 * A decimal of at most 15 digits is the shortest one of its double (IEEE 754: `DBL_DIG`), so nearly no number of a
 * document has to be converted to a double and back: no exponent, no zeros at the end, not below 1e-4.
 */
function isItsOwnRepr(text: string): boolean {
  return text.length <= 16 && /^-?(?:[1-9]\d*|0(?!\.0000))\.(?:0|\d*[1-9])$/.test(text);
}

/** `repr` of a Python float: the shortest digits, as in JavaScript, but an exponent below 1e-4 and from 1e16 on. */
function pythonFloat(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const size = Math.abs(value);
  if (size >= 1e-4 && size < 1e16) {
    const plain = String(value);
    return plain.includes('.') ? plain : `${plain}.0`;
  }
  const [digits = '', exponent = ''] = value.toExponential().split('e');
  return `${digits}e${exponent.slice(0, 1)}${exponent.slice(1).padStart(2, '0')}`;
}
