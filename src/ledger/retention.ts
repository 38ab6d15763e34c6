import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { KeyStore } from './key-store.ts';
import { parseLine } from './record.ts';
import { listSegments, readLines, type Segment, syncFolder } from './segments.ts';

/**
 * Deletes the segments, oldest first, of which every record was written before a time. Their tiles and checkpoints stay:
 * they prove what the records were, and that none was deleted that should be there.
 * @param before milliseconds since the epoch
 * @param record says in the ledger which record is the first that is kept, before anything is deleted
 */
export async function expireSegments(
  directory: string,
  before: number,
  record: (first: number) => Promise<void>,
): Promise<void> {
  const segments = listSegments(directory);
  // All of a segment is older than the first record after it.
  const kept = segments.findIndex((_, i) => {
    const next = segments[i + 1];
    const time = next && firstTime(directory, next);
    return time === undefined || time >= before;
  });
  const first = segments[kept]?.first;
  if (kept <= 0 || first === undefined) return;
  await record(first);
  for (const { file } of segments.slice(0, kept)) rmSync(join(directory, file));
  syncFolder(join(directory, 'segments'));
  new KeyStore(directory).expire(before);
}

function firstTime(directory: string, { file }: Segment): number | undefined {
  for (const { text } of readLines(join(directory, file))) {
    const parsed = parseLine(text.toString());
    return 'record' in parsed ? Date.parse(parsed.record.recorded_at) : undefined;
  }
  return undefined;
}
