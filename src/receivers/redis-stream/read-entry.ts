import { VconOtelError } from '../../model/error.ts';
import { type ForwardedRecord, readRecord } from '../forwarded-record.ts';

/** In UTF-16 code units: a record of a thousand links has a tenth of it. */
const MAX_RECORD = 1024 * 1024;
const FIELD = 'record';

/** What is in an entry, or why nothing can be made of it: in our words, never quoting it. */
export type ReadEntry =
  | { readonly kind: 'record'; readonly record: ForwardedRecord }
  | { readonly kind: 'unreadable'; readonly reason: string };

/** Reads the fields of an entry. Never throws. */
export function readEntry(fields: readonly string[]): ReadEntry {
  const text = recordText(fields);
  if (text === undefined) return unreadable('an entry has no field "record"');
  if (text.length > MAX_RECORD) return unreadable('a record is larger than 1 MiB');
  try {
    return { kind: 'record', record: readRecord(JSON.parse(text)) };
  } catch (error) {
    return unreadable(error instanceof VconOtelError ? error.message : 'a record is not JSON');
  }
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
