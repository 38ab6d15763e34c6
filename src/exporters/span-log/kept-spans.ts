import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorType, VconOtelError } from '../../model/error.ts';
import { lockFile } from '../../persistence/file-lock.ts';
import { LOCK } from './own-lock.ts';
import { markFile, placeOf } from './place.ts';
import { segmentsOf } from './segment.ts';

/** What an exporter has yet to send, on the disk. */
export interface KeptSpans {
  readonly exporter: string;
  readonly spans: number;
  /** When the oldest was written, milliseconds since the Unix epoch; undefined if there is none. */
  readonly oldest: number | undefined;
  /** In bytes. */
  readonly size: number;
}

const PREFIX = 'spans-';

/** The folder of an exporter's log, in the one beside a journal. */
export function spanLogFolder(beside: string, exporter: string): string {
  return join(beside, `${PREFIX}${encodeURIComponent(exporter)}`);
}

/** Looks what exporters have yet to send, whether a service is running or not. @throws the system's error */
export async function keptSpans(beside: string): Promise<readonly KeptSpans[]> {
  const names = foldersIn(beside).filter((name) => name.startsWith(PREFIX));
  return Promise.all(
    names.sort().map(async (name) => {
      const { settled, end, marks } = await placeOf(join(beside, name));
      const spans = settled.open([0, end]);
      const size = segmentsOf(join(beside, name)).reduce((sum, segment) => sum + segment.size, 0);
      const exporter = decodeURIComponent(name.slice(PREFIX.length));
      return { exporter, spans, oldest: spans > 0 ? marks[0]?.[1] : undefined, size };
    }),
  );
}

/**
 * Removes what an exporter has yet to send.
 * @throws VconOtelError `JOURNAL_IN_USE` where a service sends it at this moment; the system's error
 */
export async function forgetSpans(beside: string, exporter: string): Promise<void> {
  const folder = spanLogFolder(beside, exporter);
  if (!existsSync(folder)) return;
  const lock = lockFile(join(folder, LOCK));
  if (!lock)
    throw new VconOtelError('JOURNAL_IN_USE', `a service sends the spans in ${folder} at this moment`);
  try {
    // First what would tell of them as lost.
    await rm(markFile(folder).path, { force: true });
    await rm(folder, { recursive: true });
  } finally {
    lock.release();
  }
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errorType(error) === 'ENOENT') return [];
    throw error;
  }
}
