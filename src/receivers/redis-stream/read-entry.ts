import { VconOtelError } from '../../model/error.ts';
import type { ReportedFact } from '../../model/fact.ts';
import { readReport } from '../forwarded-record.ts';

/** In UTF-16 code units: a record of a thousand links needs a tenth of it. */
const MAX_RECORD = 1024 * 1024;
const FIELD = 'record';

/** The content of an entry, or why it cannot be used, in our own words that never quote it. */
export type ReadEntry =
  /** `text` is what it was read in. */
  | { readonly kind: 'record'; readonly record: ReportedFact; readonly text: string }
  | { readonly kind: 'unreadable'; readonly reason: string };

/** Reads the fields of an entry. Never throws. */
export function readEntry(fields: readonly string[]): ReadEntry {
  const text = recordText(fields);
  if (text === undefined) return unreadable('an entry has no field "record"');
  if (text.length > MAX_RECORD) return unreadable('a record is larger than 1 MiB');
  try {
    return { kind: 'record', record: readReport(JSON.parse(text)), text };
  } catch (error) {
    return unreadable(error instanceof VconOtelError ? error.message : 'a record is not JSON');
  }
}

/** Several records that can be read, as JSON of a list: what {@link readRecords} reads. */
export function recordList(records: readonly { readonly text: string }[]): string {
  return `[${records.map(({ text }) => text).join(',')}]`;
}

/** Reads the records of several entries again. @throws Error where they cannot be read */
export function readRecords(list: string): ReportedFact[] {
  return (JSON.parse(list) as unknown[]).map(readReport);
}

/** What is kept of an entry that is set aside. */
export function originalText(fields: readonly string[]): string {
  return recordText(fields) ?? JSON.stringify(fields);
}

function recordText(fields: readonly string[]): string | undefined {
  const index = fields.findIndex((field, at) => at % 2 === 0 && field === FIELD);
  return index === -1 ? undefined : fields[index + 1];
}

function unreadable(reason: string): ReadEntry {
  return { kind: 'unreadable', reason };
}
