import { isUtf8 } from 'node:buffer';
import { VconOtelError } from '../../model/error.ts';
import type { ReportedFact } from '../../model/fact.ts';
import { readReport } from '../forwarded-record.ts';

/** Bytes: a record of a thousand links needs a tenth of it. */
const MAX_RECORD = 1024 * 1024;
const FIELD = Buffer.from('record');

/** The content of an entry, or why it cannot be used, in our own words that never quote it. */
export type ReadEntry =
  /** `json` is what it was read in. */
  | { readonly kind: 'record'; readonly record: ReportedFact; readonly json: Buffer }
  | { readonly kind: 'unreadable'; readonly reason: string };

/** Reads the fields of an entry. Never throws. */
function readEntry(fields: readonly Buffer[]): ReadEntry {
  const json = recordIn(fields);
  if (json === undefined) return unreadable('an entry has no field "record"');
  if (json.byteLength > MAX_RECORD) return unreadable('a record is larger than 1 MiB');
  if (!isUtf8(json)) return unreadable('a record is not UTF-8');
  try {
    return { kind: 'record', record: readReport(JSON.parse(json.toString())), json };
  } catch (error) {
    return unreadable(error instanceof VconOtelError ? error.message : 'a record is not JSON');
  }
}

/**
 * Reads the fields of several entries, all of them at once where each is as it should be: that takes half as long. Never throws.
 * @returns what is in each
 */
export function readContents(entries: readonly (readonly Buffer[])[]): readonly ReadEntry[] {
  return readTogether(entries) ?? entries.map(readEntry);
}

/** @returns undefined where one of them is not as it should be */
function readTogether(entries: readonly (readonly Buffer[])[]): readonly ReadEntry[] | undefined {
  const texts: { readonly json: Buffer }[] = [];
  for (const fields of entries) {
    const json = recordIn(fields);
    if (json === undefined || json.byteLength > MAX_RECORD) return undefined;
    texts.push({ json });
  }
  const list = recordList(texts);
  if (!isUtf8(list)) return undefined;
  try {
    const values: unknown = JSON.parse(list.toString());
    // Parts of one may make a whole with parts of another.
    if (!Array.isArray(values) || values.length !== texts.length) return undefined;
    return texts.map(({ json }, at) => ({ kind: 'record', record: readReport(values[at]), json }));
  } catch {
    return undefined;
  }
}

/** Several records that can be read, as JSON of a list: what {@link readRecords} reads. */
export function recordList(records: readonly { readonly json: Buffer }[]): Buffer {
  let length = 1;
  for (const { json } of records) length += json.byteLength + 1;
  const list = Buffer.allocUnsafe(Math.max(length, 2));
  let at = 0;
  for (const { json } of records) {
    list[at] = at === 0 ? OPEN : COMMA;
    json.copy(list, at + 1);
    at += 1 + json.byteLength;
  }
  if (at === 0) list[at++] = OPEN;
  list[at] = CLOSE;
  return list;
}

const [OPEN, COMMA, CLOSE] = [0x5b, 0x2c, 0x5d];

/** Reads the records of several entries again. @throws Error where they cannot be read */
export function readRecords(list: string): ReportedFact[] {
  return (JSON.parse(list) as unknown[]).map(readReport);
}

/** What is kept of an entry that is set aside. */
export function originalText(fields: readonly Buffer[]): string {
  return recordIn(fields)?.toString() ?? JSON.stringify(fields.map((field) => field.toString()));
}

function recordIn(fields: readonly Buffer[]): Buffer | undefined {
  const index = fields.findIndex((field, at) => at % 2 === 0 && FIELD.equals(field));
  return index === -1 ? undefined : fields[index + 1];
}

function unreadable(reason: string): ReadEntry {
  return { kind: 'unreadable', reason };
}
