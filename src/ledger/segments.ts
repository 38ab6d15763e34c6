import { closeSync, fsyncSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { MAX_RECORD } from './record.ts';

/** A file of records, one line each. */
export interface Segment {
  /** The sequence number of its first record. */
  readonly first: number;
  /** Below the ledger's directory. */
  readonly file: string;
}

const FOLDER = 'segments';

/** The segment that starts at a record: `segments/00000000000000001000.jsonl`. */
export function segmentAt(first: number): Segment {
  return { first, file: `${FOLDER}/${String(first).padStart(20, '0')}.jsonl` };
}

/** The segments of a ledger, the oldest first; what else lies in their folder is none. */
export function listSegments(directory: string): Segment[] {
  return namesIn(join(directory, FOLDER))
    .filter((name) => /^\d{20}\.jsonl$/.test(name))
    .map((name) => segmentAt(Number(name.slice(0, 20))))
    .sort((a, b) => a.first - b.first);
}

/** Has what is in a file, or the names in a folder, on the disk. */
export function syncPath(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** A line of a file, where it starts, and whether it is finished. */
export interface Line {
  readonly text: Buffer;
  readonly offset: number;
  /** False for the rest of a file that does not end with a line break, and for a line that is too long. */
  readonly whole: boolean;
}

/**
 * The lines of a file in order, from an offset on, in memory that does not depend on its size. A line longer than
 * `longest` bytes ends the reading, unfinished.
 */
export function* readLines(path: string, offset = 0, longest = MAX_RECORD): Generator<Line> {
  const file = openSync(path, 'r');
  const buffer = Buffer.allocUnsafe(Math.max(CHUNK, longest + 1));
  try {
    let at = offset;
    for (let held = 0; ; ) {
      const read = readSync(file, buffer, held, buffer.length - held, at + held);
      const end = held + read;
      let start = 0;
      for (;;) {
        const stop = buffer.subarray(0, end).indexOf(LINE_BREAK, start);
        if (stop === -1 || stop - start >= longest) break;
        yield { text: buffer.subarray(start, stop), offset: at + start, whole: true };
        start = stop + 1;
      }
      const rest = end - start;
      if (read === 0 || rest >= longest) {
        if (rest > 0) yield { text: buffer.subarray(start, end), offset: at + start, whole: false };
        return;
      }
      buffer.copyWithin(0, start, end);
      at += start;
      held = rest;
    }
  } finally {
    closeSync(file);
  }
}

const LINE_BREAK = 0x0a;
const CHUNK = 256 * 1_024;

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
