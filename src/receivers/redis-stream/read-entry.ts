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
export function readEntry(fields: readonly Buffer[]): ReadEntry {
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

/** Several records that can be read, as JSON of a list: what {@link readRecords} reads. */
export function recordList(records: readonly { readonly json: Buffer }[]): Buffer {
  const parts = records.flatMap(({ json }, at) => [at === 0 ? OPEN : COMMA, json]);
  return Buffer.concat([...parts, CLOSE]);
}

const OPEN = Buffer.from('[');
const COMMA = Buffer.from(',');
const CLOSE = Buffer.from(']');

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
