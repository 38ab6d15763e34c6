import { spellingsOf } from '../../model/erasure.ts';
import { KeyStore } from '../keys/key-store.ts';
import { type LedgerRecord, parseLine } from './record.ts';
import { listSegments, recordLines } from './segments.ts';

/** Whether a record is of a vCon: it names it, or is of a step that made another one of it. */
export function isOfVcon(record: LedgerRecord, vconUuid: string): boolean {
  return (
    ('vcon_uuid' in record && record.vcon_uuid === vconUuid) ||
    ('in_vcon_uuid' in record && record.in_vcon_uuid === vconUuid)
  );
}

/** The records of a vCon, in order. */
export function* recordsOfVcon(
  directory: string,
  vconUuid: string,
): Generator<{ readonly line: string; readonly record: LedgerRecord }> {
  for (const segment of listSegments(directory))
    for (const { text, whole } of recordLines(directory, segment)) {
      if (!whole || !text.includes(vconUuid)) continue;
      const line = text.toString();
      const parsed = parseLine(line);
      if ('record' in parsed && isOfVcon(parsed.record, vconUuid)) yield { line, record: parsed.record };
    }
}

/**
 * The uuid as a ledger spells it: it has a key for it, or a record of it. Upper and lower case are the same uuid
 * (RFC 9562 §4), but a ledger says what its conserver said; other names mean themselves.
 * @returns undefined if the ledger knows no such vCon
 */
export function knownVcon(directory: string, uuid: string): string | undefined {
  const spellings = spellingsOf(uuid);
  const keys = new KeyStore(directory);
  const found = spellings.find((spelling) => keys.knows(spelling));
  return found ?? spellings.find((spelling) => !recordsOfVcon(directory, spelling).next().done);
}
