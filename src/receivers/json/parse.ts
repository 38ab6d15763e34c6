import { VconOtelError } from '../../model/error.ts';

/**
 * Parses JSON text that somebody else has sent.
 * @throws VconOtelError `BODY_INVALID` if it is not JSON, or is nested so deep or has so many values that the result would be
 * many times its size: a full heap ends the process, in whatever thread. The message never quotes the text
 */
export function parseJson(text: Buffer): unknown {
  checkShape(text);
  try {
    return JSON.parse(text.toString('utf8'));
  } catch {
    throw new VconOtelError('BODY_INVALID', 'the body is not JSON');
  }
}

/** OTLP needs three levels for each level of an attribute. */
const MAX_DEPTH = 1_000;
/** A quarter of a gigabyte at worst. */
const MAX_VALUES = 5_000_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPENING_BRACKET = 0x5b;
const CLOSING_BRACKET = 0x5d;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

function checkShape(text: Buffer): void {
  let depth = 0;
  let values = 1;
  for (let at = 0; at < text.length; at++) {
    const byte = text[at];
    if (byte === QUOTE) at = endOfString(text, at);
    else if (byte === COMMA) values++;
    else if (byte === OPENING_BRACKET || byte === OPENING_BRACE) {
      values++;
      if (++depth > MAX_DEPTH) throw new VconOtelError('BODY_INVALID', 'the body is nested too deep');
    } else if (byte === CLOSING_BRACKET || byte === CLOSING_BRACE) depth--;
  }
  if (values > MAX_VALUES) throw new VconOtelError('BODY_INVALID', 'the body has too many values');
}

/** Where the string that begins at `at` ends: at a quote with an even number of backslashes before it. */
function endOfString(text: Buffer, at: number): number {
  let end = at;
  let backslashes: number;
  do {
    end = text.indexOf(QUOTE, end + 1);
    if (end === -1) return text.length;
    backslashes = 0;
    while (text[end - 1 - backslashes] === BACKSLASH) backslashes++;
  } while (backslashes % 2 === 1);
  return end;
}
