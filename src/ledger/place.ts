import { leafHash } from './merkle.ts';
import { isRecordable, type LedgerEntry, MAX_RECORD, recordLine } from './record.ts';

/** An entry that waits for its turn. */
export interface Waiting {
  readonly entry: LedgerEntry;
  readonly written: PromiseWithResolvers<void>;
}

/** Entries at their place: the lines of one write. */
export interface Placed {
  readonly lines: string;
  /** The leaf hash of each line. */
  readonly hashes: readonly string[];
  readonly accepted: readonly Waiting[];
  /** What can never be a record. */
  readonly refused: readonly Waiting[];
}

/**
 * Gives each entry its place, one after the other.
 * @param size records there are
 * @param lastHash the leaf hash of the last one
 * @param now milliseconds since the epoch
 */
export function placeEntries(batch: readonly Waiting[], size: number, lastHash: string, now: number): Placed {
  const recorded_at = new Date(now).toISOString();
  const hashes: string[] = [];
  const accepted: Waiting[] = [];
  const refused: Waiting[] = [];
  let [lines, prev_hash] = ['', lastHash];
  for (const waiting of batch)
    try {
      if (!isRecordable(waiting.entry)) throw new RangeError('it could not be read again');
      const line = recordLine({ ...waiting.entry, seq: size + hashes.length, prev_hash, recorded_at });
      if (line.length * 3 >= MAX_RECORD && Buffer.byteLength(line) >= MAX_RECORD)
        throw new RangeError('too long');
      prev_hash = leafHash(line);
      hashes.push(prev_hash);
      accepted.push(waiting);
      lines += `${line}\n`;
    } catch {
      refused.push(waiting);
    }
  return { lines, hashes, accepted, refused };
}
