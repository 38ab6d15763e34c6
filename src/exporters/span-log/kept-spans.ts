import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { errorType } from '../../model/error.ts';
import { placeOf } from './place.ts';
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

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errorType(error) === 'ENOENT') return [];
    throw error;
  }
}
