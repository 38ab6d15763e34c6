import { isServerFact } from '../model/fact.ts';
import type { Facts } from '../model/received.ts';
import type { Assembler } from './assembler.ts';
import type { Outcome, RecordOutcome } from './outcome.ts';

/**
 * Gives an assembler facts that came together.
 * @param now see `Assembler.take`
 * @param failed told what could not be taken: the others are
 * @returns what became of each record
 */
export function takeFacts(
  assembler: Assembler,
  { spans, records }: Facts,
  now: number,
  out: Outcome,
  failed: (error: unknown) => void,
): (RecordOutcome | undefined)[] {
  const guarded = <T>(take: () => T): T | undefined => {
    try {
      return take();
    } catch (error) {
      failed(error);
      return undefined;
    }
  };
  if (spans.length > 0) guarded(() => assembler.take({ kind: 'spans', spans }, now, out));
  return records.map((record) =>
    guarded(() =>
      isServerFact(record)
        ? { outcome: assembler.takeServerFact(record, now, out), run: undefined }
        : assembler.takeRecord(record, now, out),
    ),
  );
}

/** How many there are. */
export function countOf({ spans, records }: Facts): number {
  return spans.length + records.length;
}

/** Some of them: from one, and so many. */
export function someOf({ spans, records }: Facts, from: number, count: number): Facts {
  const first = Math.max(0, from - spans.length);
  return {
    spans: spans.slice(from, from + count),
    records: records.slice(first, Math.max(0, from + count - spans.length)),
  };
}
