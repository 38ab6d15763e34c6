import { isLedgerInUse } from '../log/lock.ts';
import { parseLine } from '../log/record.ts';
import { listSegments, recordLines } from '../log/segments.ts';
import type { Verifier } from '../proof/note.ts';
import type { Verdict } from './verdict.ts';
import { verifyLedger } from './verify.ts';

/** What a ledger knows of receipts that were kept elsewhere. */
export interface RecordedReceipts {
  /** What the ledger itself is found to be: if neither intact nor torn, nothing else is read. */
  readonly verdict: Verdict;
  /** By the hash of each line: the UTC day on which it was recorded, and of which vCon it is. */
  readonly receipts: Map<string, { readonly day: string; readonly vcon: string }>;
  /** The ids of these receipts. */
  readonly ids: ReadonlySet<string>;
  /** The keys of each entity, by its DID. */
  readonly keys: ReadonlyMap<string, readonly string[]>;
  /** The hashes of lines that were erased with their vCon. */
  readonly erased: ReadonlySet<string>;
  /** When the first one was recorded; undefined if none was. */
  readonly since: string | undefined;
}

/** Reads what a ledger says of a tracer's receipts. In memory are all of them. */
export function recordedReceipts(
  directory: string,
  verifiers: readonly Verifier[],
  tracers: ReadonlySet<string>,
): RecordedReceipts {
  const receipts = new Map<string, { readonly day: string; readonly vcon: string }>();
  const ids = new Set<string>();
  const erased = new Set<string>();
  const keys = new Map<string, readonly string[]>();
  const verdict = verifyLedger({ directory, verifiers, inUse: isLedgerInUse(directory) });
  let since: string | undefined;
  const isSound = verdict.verdict === 'intact' || verdict.verdict === 'torn';
  for (const segment of isSound ? listSegments(directory) : [])
    for (const { text, whole } of recordLines(directory, segment)) {
      if (!whole || !EVENTS.some((event) => text.includes(event))) continue;
      const parsed = parseLine(text.toString());
      if (!('record' in parsed)) continue;
      const { record } = parsed;
      if (record.event === 'vcon_erased') for (const digest of record.digests ?? []) erased.add(digest);
      if (record.event === 'entity_pinned')
        keys.set(record.did, [...new Set([...(keys.get(record.did) ?? []), ...record.keys])]);
      if (record.event !== 'receipt_kept' || !tracers.has(record.tracer)) continue;
      since ??= record.recorded_at;
      ids.add(record.receipt_id);
      receipts.set(record.receipt_hash, { day: record.recorded_at.slice(0, 10), vcon: record.vcon_uuid });
    }
  return { verdict, receipts, ids, keys, erased, since };
}

const EVENTS = ['"receipt_kept"', '"entity_pinned"', '"vcon_erased"'];
