import { readdirSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { crc32, gunzip, gzip } from 'node:zlib';
import { requirePlainFile } from '../../persistence/plain-file.ts';

//  A log is a folder of segments, each named for the number of its first span. A line holds spans that became durable together:
//
//    checksum first count time spans        the spans packed; numbers go on from line to line
//
//  and what is missing between two lines is known by its numbers.

const pack = promisify(gzip);
const unpack = promisify(gunzip);

/** A line of a segment. */
export interface SpanLine {
  /** The number of its first span. */
  readonly first: number;
  readonly count: number;
  /** When it was written, milliseconds since the Unix epoch. */
  readonly time: number;
  readonly packed: string;
}

/** A file of a log. */
export interface SpanSegment {
  readonly path: string;
  /** The number of the first span. */
  readonly first: number;
  /** In bytes. */
  readonly size: number;
  /** When it was last written to, milliseconds since the Unix epoch. */
  readonly newest: number;
}

/** The segments of a log, in order. @throws the system's error */
export function segmentsOf(folder: string): SpanSegment[] {
  return readdirSync(folder)
    .flatMap((name) => {
      const first = /^(\d{16})[.]spans$/.exec(name)?.[1];
      if (first === undefined) return [];
      const path = join(folder, name);
      requirePlainFile(path);
      const { size, mtimeMs: newest } = statSync(path);
      return { path, first: Number(first), size, newest };
    })
    .sort((a, b) => a.first - b.first);
}

/** Where a segment that begins with that span lies. */
export function segmentPath(folder: string, first: number): string {
  return join(folder, `${String(first).padStart(16, '0')}.spans`);
}

/** @param text of spans, see `textOf` */
export async function writtenLine(first: number, count: number, time: number, text: string): Promise<string> {
  const rest = `${first} ${count} ${time} ${(await pack(text, { level: 1 })).toString('base64')}`;
  return `${crc32(rest).toString(16)} ${rest}\n`;
}

/** The text of a line. */
export async function textOfLine({ packed }: SpanLine): Promise<string> {
  return (await unpack(Buffer.from(packed, 'base64'))).toString();
}

/**
 * Reads on in a segment.
 * @returns its whole lines from a byte on, as they were written; others are left out. And where they end
 * @throws the system's error
 */
export async function readSegment(
  path: string,
  offset: number,
): Promise<{ readonly lines: readonly SpanLine[]; readonly end: number }> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const buffer = Buffer.alloc(Math.max(0, Math.min(size - offset, AT_ONCE)));
    const text = await fill(file, buffer, offset);
    let end = text.lastIndexOf('\n') + 1;
    // A single line that is longer.
    if (end === 0 && offset + buffer.length < size) {
      const rest = await fill(file, Buffer.alloc(size - offset), offset);
      end = rest.indexOf('\n') + 1;
      return { lines: linesOf(rest.slice(0, end)), end: offset + end };
    }
    return { lines: linesOf(text.slice(0, end)), end: offset + end };
  } finally {
    await file.close();
  }
}

/** Bytes that are read at once: a line is much shorter, as a rule. */
const AT_ONCE = 1_048_576;

/** One character for each byte: lines are ASCII, and anything else is none. */
async function fill(file: Awaited<ReturnType<typeof open>>, buffer: Buffer, offset: number): Promise<string> {
  const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
  return buffer.toString('latin1', 0, bytesRead);
}

function linesOf(text: string): SpanLine[] {
  return text.split('\n').flatMap((line) => parsed(line) ?? []);
}

function parsed(line: string): SpanLine | undefined {
  const [, sum, rest] = /^([0-9a-f]{1,8}) (.*)$/.exec(line) ?? [];
  if (rest === undefined || crc32(rest).toString(16) !== sum) return undefined;
  const [first, count, time, packed = ''] = rest.split(' ');
  return { first: Number(first), count: Number(count), time: Number(time), packed };
}
