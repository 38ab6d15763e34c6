import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFileSync } from '../../persistence/replace-file.ts';
import { LineReader } from './line-reader.ts';
import { segmentsOf } from './segment.ts';
import { Settled, type SettledRange } from './settled.ts';

const PLACE = 'place.json';

/** How far the reader of a log is. */
export interface Place {
  readonly settled: Settled;
  /** The number of the next span. */
  readonly end: number;
  /** When spans were written, of those that are not settled: number and time. */
  readonly marks: readonly (readonly [first: number, time: number])[];
}

/** Looks how far the reader of a log is; the log may be in use. @throws the system's error */
export async function placeOf(folder: string): Promise<Place> {
  const segments = segmentsOf(folder);
  const { position, beyond } = savedPlace(folder);
  const [oldest, newest] = [segments[0], segments.at(-1)];
  const settled = new Settled(Math.max(position, oldest?.first ?? 0), beyond);
  const last = newest && (await lastLine(newest.path));
  const end = Math.max(
    settled.position,
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
  return { settled, end, marks };
}

async function lastLine(path: string) {
  const reader = new LineReader();
  let last: Awaited<ReturnType<LineReader['lineAt']>>;
  for (let line = await reader.lineAt(path, 0); line; line = await reader.lineAt(path, 0)) last = line;
  return last;
}

/** Where it cannot be read, some spans are sent once more. */
function savedPlace(folder: string): { readonly position: number; readonly beyond: readonly SettledRange[] } {
  try {
    return JSON.parse(readFileSync(join(folder, PLACE), 'utf8'));
  } catch {
    return { position: 0, beyond: [] };
  }
}

/**
 * Writes a place down, before anything more is sent: by then another process would know it. After a power cut it may be an
 * older one, and some are sent once more.
 * @throws the system's error
 */
export function savePlace(folder: string, { position, beyond }: Settled): void {
  const text = JSON.stringify({ position, beyond });
  replaceFileSync(join(folder, PLACE), text, { durable: false });
}
