/** The attribute values that a timeline makes use of. */
export type Scalar = string | number | boolean;

/** The longest name or attribute value that is kept; nothing that we show is longer. */
const MAX_TEXT = 256;

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The objects of a JSON list; anything else in its place is an empty one. */
export function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** A text of bearable length, or undefined. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, MAX_TEXT) : undefined;
}

/** A trace or span id in lower case. OTLP/JSON has them in hexadecimal; one of zeros means none. */
export function idOf(value: unknown, length: 16 | 32): string | undefined {
  if (typeof value !== 'string' || value.length !== length || !/^[0-9a-f]+$/i.test(value)) return undefined;
  return /^0+$/.test(value) ? undefined : value.toLowerCase();
}

/** Nanoseconds since the Unix epoch: a string in OTLP/JSON, a number from some writers. */
export function nanosOf(value: unknown): bigint | undefined {
  if (typeof value === 'string' && /^\d{1,20}$/.test(value)) return BigInt(value);
  if (typeof value === 'number' && value >= 0 && value < 2 ** 64) return BigInt(Math.trunc(value));
  return undefined;
}

/** The status code: an integer in OTLP/JSON, its protobuf name from some writers, absent where unset. */
export function statusOf(value: unknown): 'unset' | 'ok' | 'error' {
  const code = isObject(value) ? value.code : undefined;
  if (code === 2 || code === 'STATUS_CODE_ERROR') return 'error';
  if (code === 1 || code === 'STATUS_CODE_OK') return 'ok';
  return 'unset';
}

/**
 * The attributes of a span, event or resource that `keys` names. Present with a value of another shape, a
 * list say, counts as present and reads as an empty text.
 */
export function readAttributes(holder: unknown, keys: ReadonlySet<string>): Map<string, Scalar> {
  const found = new Map<string, Scalar>();
  for (const { key, value } of listOf(isObject(holder) ? holder.attributes : undefined))
    if (typeof key === 'string' && keys.has(key)) found.set(key, scalarOf(value));
  return found;
}

function scalarOf(value: unknown): Scalar {
  if (!isObject(value)) return '';
  if (typeof value.stringValue === 'string') return value.stringValue;
  if (typeof value.boolValue === 'boolean') return value.boolValue;
  const number = value.intValue ?? value.doubleValue;
  if (typeof number === 'number') return number;
  return typeof number === 'string' && number !== '' ? Number(number) : '';
}
