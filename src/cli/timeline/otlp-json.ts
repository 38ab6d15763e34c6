import type { AttributeValue } from '../../receivers/otlp/wire-span.ts';

/** The longest name or attribute value that is kept; nothing that we show is longer. */
const MAX_TEXT = 256;

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The objects of a JSON list; anything else in its place is an empty one. */
export function objectsOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** A text of bearable length, or undefined. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, MAX_TEXT) : undefined;
}

/** A trace or span id in lower case. OTLP/JSON has them in hexadecimal, Tempo in base64; one of zeros means none. */
export function idOf(value: unknown, length: 16 | 32): string | undefined {
  if (typeof value !== 'string') return undefined;
  const id = value.length === length ? value : Buffer.from(value.slice(0, length), 'base64').toString('hex');
  if (id.length !== length || !/^[0-9a-f]+$/i.test(id)) return undefined;
  return /^0+$/.test(id) ? undefined : id.toLowerCase();
}

/** Nanoseconds since the Unix epoch: a string in OTLP/JSON, a number from some writers. */
export function nanosOf(value: unknown): bigint | undefined {
  if (typeof value === 'string' && /^\d{1,20}$/.test(value)) return BigInt(value);
  if (typeof value === 'number' && value >= 0 && value < 2 ** 64) return BigInt(Math.trunc(value));
  return undefined;
}

/** The attributes of a span, event or resource that `keys` names. */
export function readAttributes(holder: unknown, keys: ReadonlySet<string>): Record<string, AttributeValue> {
  const found: Record<string, AttributeValue> = {};
  for (const { key, value } of objectsOf(isObject(holder) ? holder.attributes : undefined))
    if (typeof key === 'string' && keys.has(key)) found[key] = readValue(value);
  return found;
}

function readValue(value: unknown): AttributeValue {
  if (!isObject(value)) return null;
  if (typeof value.stringValue === 'string') return value.stringValue.slice(0, MAX_TEXT);
  if (typeof value.boolValue === 'boolean') return value.boolValue;
  if (isObject(value.arrayValue)) return textsOf(value.arrayValue.values);
  const number = value.intValue ?? value.doubleValue;
  if (typeof number === 'number') return number;
  return typeof number === 'string' && number !== '' ? Number(number) : null;
}

function textsOf(values: unknown): readonly string[] | null {
  const texts = objectsOf(values).map(({ stringValue }) => textOf(stringValue));
  return texts.every((text) => text !== undefined) ? texts : null;
}
