import type { WhichDead } from '../../admin.ts';
import { RETURNED_FALSE } from './entry.ts';
import type { JournalFile, StoredConsumer } from './journal-file.ts';

/**
 * The seqs of a tracer's dead letters, in pages: upwards, so that an event that dies again meanwhile is not met again.
 * @param rows that are read at once: between two reads the service can tidy up, however slow the reader is
 */
export function* deadLetterSeqs(
  { db }: JournalFile,
  { consumer }: StoredConsumer,
  rows: number,
  { hasReason }: WhichDead,
): Generator<number[]> {
  const statement = db.prepare(
    `select seq, state, error_type from delivery where consumer = ? and seq > ? and state in ('dead', 'failed') and state <> 'ok'
     order by seq limit ${rows}`,
  );
  for (let after = 0; ; ) {
    const found = statement.all(consumer, after).map(({ seq, state, error_type }) => ({
      seq: Number(seq),
      reason: state === 'failed' ? RETURNED_FALSE : String(error_type ?? ''),
    }));
    yield found.filter(({ reason }) => hasReason?.(reason) ?? true).map(({ seq }) => seq);
    if (found.length < rows) return;
    after = found.at(-1)?.seq ?? after;
  }
}
