import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { KeyStore } from './key-store.ts';
import { MAX_RECORD, parseLine } from './record.ts';
import { listSegments, readLines, type Segment, syncPath } from './segments.ts';

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
  // The last one is being written.
  const kept = segments.findIndex((segment, i) => {
    const time = lastTime(directory, segment);
    return i === segments.length - 1 || time === undefined || time >= before;
  });
  const first = segments[kept]?.first;
  if (kept <= 0 || first === undefined) return;
  await record(first);
  for (const { file } of segments.slice(0, kept)) rmSync(join(directory, file));
  syncPath(join(directory, 'segments'));
  await new KeyStore(directory).expire(before);
}

/** When the last record of a segment was written. */
function lastTime(directory: string, { file }: Segment): number | undefined {
  const path = join(directory, file);
  let time: number | undefined;
  for (const { text } of readLines(path, Math.max(0, statSync(path).size - 2 * MAX_RECORD))) {
    const parsed = parseLine(text.toString());
    if ('record' in parsed) time = Date.parse(parsed.record.recorded_at);
  }
  return time;
}
