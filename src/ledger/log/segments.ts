import { closeSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../../persistence/make-folder.ts';
import { PRIVATE_FILE } from '../../persistence/private-file.ts';
import { type Line, readLines } from '../../persistence/read-lines.ts';
import { syncFolderSync } from '../../persistence/sync-path.ts';
import { MAX_RECORD } from './record.ts';

/** A file of records, one line each. */
export interface Segment {
  /** The sequence number of its first record. */
  readonly first: number;
  /** Below the ledger's directory. */
  readonly file: string;
}

/** Below the ledger's directory. */
export const SEGMENTS_FOLDER = 'segments';

/** The segment that starts at a record: `segments/00000000000000001000.jsonl`. */
export function segmentAt(first: number): Segment {
  return { first, file: `${SEGMENTS_FOLDER}/${String(first).padStart(20, '0')}.jsonl` };
}

/** The segments of a ledger, oldest first; other files in their folder are ignored. */
export function listSegments(directory: string): Segment[] {
  return namesIn(join(directory, SEGMENTS_FOLDER))
    .filter((name) => /^\d{20}\.jsonl$/.test(name))
    .map((name) => segmentAt(Number(name.slice(0, 20))))
    .sort((a, b) => a.first - b.first);
}

/** Creates a segment's file, and waits until its name is on disk. @throws if it exists already */
export function makeSegment(directory: string, first: number): Segment {
  const segment = segmentAt(first);
  const folder = join(directory, SEGMENTS_FOLDER);
  makeFolder(folder);
  closeSync(openSync(join(directory, segment.file), 'wx', PRIVATE_FILE));
  syncFolderSync(folder);
  return segment;
}

/** The lines of a segment, from an offset on. A line that is longer than any record ends the reading. */
export function recordLines(directory: string, { file }: Segment, offset = 0): Generator<Line> {
  return readLines(join(directory, file), { longest: MAX_RECORD, offset });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
