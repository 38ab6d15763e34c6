import { closeSync, openSync, readSync } from 'node:fs';
import { requirePlainFile } from './plain-file.ts';

/** A line of a file. */
export interface Line {
  /** Without its line break. Valid until the next line is read. */
  readonly text: Buffer;
  /** The byte at which it starts. */
  readonly offset: number;
  /** False if its line break is missing at the end of the file, or if it is too long. */
  readonly whole: boolean;
}

/** How lines are read. */
export interface ReadLinesSettings {
  /** A line of as many bytes, or more, is too long: it ends the reading. */
  readonly longest: number;
  /** The byte to start from. Default 0. */
  readonly offset?: number;
}

/**
 * Reads the lines of a file in order, in constant memory. Only a line feed ends a line: JSON strings may contain other line
 * breaks (U+2028), at which node:readline would split.
 * @throws VconOtelError `FILE_UNUSABLE`; the system's error
 */
export function* readLines(path: string, { longest, offset = 0 }: ReadLinesSettings): Generator<Line> {
  requirePlainFile(path);
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
