import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { syncFolderSync } from '../../persistence/sync-path.ts';
import { KeyStore } from '../keys/key-store.ts';
import { MAX_RECORD, parseLine } from './record.ts';
import { listSegments, recordLines, SEGMENTS_FOLDER, type Segment } from './segments.ts';

/**
 * Deletes the oldest segments, as long as all their records were written before a given time. Their tiles and checkpoints
 * stay: they prove what the records were, and that no others were deleted.
 * @param before milliseconds since the epoch
 * @param record called before anything is deleted, to record which record is the first one kept
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
  syncFolderSync(join(directory, SEGMENTS_FOLDER));
  await new KeyStore(directory).expire(before);
}

/** When the last record of a segment was written. */
function lastTime(directory: string, segment: Segment): number | undefined {
  const { size } = statSync(join(directory, segment.file));
  let time: number | undefined;
  for (const { text } of recordLines(directory, segment, Math.max(0, size - 2 * MAX_RECORD))) {
    const parsed = parseLine(text.toString());
    if ('record' in parsed) time = Date.parse(parsed.record.recorded_at);
  }
  return time;
}
