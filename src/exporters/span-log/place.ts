import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { errorType } from '../../model/error.ts';
import { ThrottledLog } from '../../model/throttled-log.ts';
import { MarkFile } from '../../persistence/mark-file.ts';
import { requirePlainFile } from '../../persistence/plain-file.ts';
import { replaceFileSync } from '../../persistence/replace-file.ts';
import { syncFile } from '../../persistence/sync-path.ts';
import { LineReader } from './line-reader.ts';
import { segmentsOf } from './segment.ts';
import { Settled, type SettledRange } from './settled.ts';

const PLACE = 'place';

/** How far the reader of a log is. */
export interface Place {
  readonly settled: Settled;
  /** The number of the next span. */
  readonly end: number;
  /** When spans were written, of those that are not settled: number and time. */
  readonly marks: readonly (readonly [first: number, time: number])[];
  /** There was one, and it cannot be read. */
  readonly isLost: boolean;
}

/** Looks how far the reader of a log is; the log may be in use. @throws the system's error */
export async function placeOf(folder: string): Promise<Place> {
  const segments = segmentsOf(folder);
  const saved = savedPlace(folder);
  const [oldest, newest] = [segments[0], segments.at(-1)];
  const mark = markOf(folder);
  const { position, beyond } = saved ?? { position: mark?.position ?? oldest?.first ?? 0, beyond: [] };
  const settled = new Settled(position, beyond);
  const last = newest && (await lastLine(newest.path));
  const end = Math.max(
    settled.position,
    mark?.end ?? 0,
    newest?.first ?? 0,
    last ? last.first + last.count : 0,
    beyond.at(-1)?.[1] ?? 0,
  );
  const marks: (readonly [number, number])[] = [];
  for (const [index, segment] of segments.entries()) {
    const isFirst = segments[index + 1]?.first ?? Number.POSITIVE_INFINITY;
    if (isFirst <= settled.position) continue;
    const line = await new LineReader().lineAt(segment.path, settled.position);
    if (line) marks.push([line.first, line.time]);
  }
  return { settled, end, marks, isLost: !saved && end > 0 };
}

async function lastLine(path: string) {
  const reader = new LineReader();
  let last: Awaited<ReturnType<LineReader['lineAt']>>;
  for (let line = await reader.lineAt(path, 0); line; line = await reader.lineAt(path, 0)) last = line;
  return last;
}

/**
 * Says how far a log is, outside of the folder of all logs: what was deleted of it, or cut off, looks as if it had never been there, and
 * so does everything where that folder is gone.
 */
export function markFile(folder: string): MarkFile {
  return new MarkFile(`${dirname(folder)}-mark-${basename(folder)}`);
}

function markOf(folder: string): { readonly position: number; readonly end: number } | undefined {
  const [position, end] = markFile(folder).read()?.split(' ').map(Number) ?? [];
  return position === undefined || end === undefined ? undefined : { position, end };
}

interface SavedPlace {
  readonly position: number;
  readonly beyond: readonly SettledRange[];
}

/** Undefined where it cannot be read: then some spans are sent once more. */
function savedPlace(folder: string): SavedPlace | undefined {
  requirePlainFile(placePath(folder));
  try {
    const [, sum, json = ''] = /^(\S+) (.*)$/.exec(readFileSync(placePath(folder), 'utf8')) ?? [];
    return crc32(json).toString(16) === sum ? JSON.parse(json) : undefined;
  } catch (error) {
    unlessMissing(error);
    return undefined;
  }
}

/** Writes down how far a log is. */
export class PlaceFile {
  readonly #folder: string;
  readonly #mark: MarkFile;
  readonly #log = new ThrottledLog('vcon-otel/exporters');

  constructor(folder: string) {
    this.#folder = folder;
    this.#mark = markFile(folder);
  }

  /**
   * Before anything more is sent: by then another process would know it. After a power cut it may be an older one, and some are
   * sent once more. Never throws: so they are if this cannot be written.
   */
  settled(settled: Settled, end: number): void {
    const { position, beyond } = settled;
    const json = JSON.stringify({ position, beyond } satisfies SavedPlace);
    try {
      replaceFileSync(placePath(this.#folder), `${crc32(json).toString(16)} ${json}`, { durable: false });
    } catch (error) {
      this.#log.warn('place', `the place in a log of spans cannot be written: ${errorType(error)}`);
    }
    this.written(settled, end);
  }

  /** @param end the number after the newest span on the disk */
  written({ position }: Settled, end: number): void {
    this.#mark.write(`${position} ${end}`);
  }

  /** Removes files not before the place is on the disk: what is missing beyond it would be told as lost. Never rejects. */
  async remove(paths: readonly string[]): Promise<void> {
    try {
      await syncFile(placePath(this.#folder)).catch(unlessMissing);
      for (const path of paths) await rm(path, { force: true });
    } catch (error) {
      this.#log.warn('segment', `a segment of spans cannot be removed: ${errorType(error)}`);
    }
  }

  close(): void {
    this.#mark.close();
  }
}

function placePath(folder: string): string {
  return join(folder, PLACE);
}

function unlessMissing(error: unknown): void {
  if (errorType(error) !== 'ENOENT') throw error;
}
