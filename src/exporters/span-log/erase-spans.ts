import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ErasedVcon, Mention } from '../../model/erasure.ts';
import { VconOtelError } from '../../model/error.ts';
import { lockFile } from '../../persistence/file-lock.ts';
import { replaceFile } from '../../persistence/replace-file.ts';
import { countTexts, replaceTexts } from '../../persistence/replace-text.ts';
import { spanLogFolder } from './kept-spans.ts';
import { LOCK } from './own-lock.ts';
import { readSegment, type SpanLine, segmentsOf, textOfLine, writtenLine } from './segment.ts';

/** Counts lines of spans that an exporter has yet to send, or has sent lately, and that name a vCon. @throws the system's error */
export async function mentionsInSpans(
  beside: string,
  { name, spellings }: ErasedVcon,
): Promise<readonly Mention[]> {
  const folder = spanLogFolder(beside, name);
  let count = 0;
  for (const { path } of existsSync(folder) ? segmentsOf(folder) : [])
    for await (const line of linesOf(path))
      if (countTexts(Buffer.from(await textOfLine(line)), spellings) > 0) count += 1;
  return [{ what: 'groups of spans that wait to be sent', count }];
}

/**
 * Puts a pseudonym in the place of a vCon's uuid in the spans that an exporter has yet to send.
 * @throws VconOtelError `JOURNAL_IN_USE` where a service sends them at this moment; the system's error
 */
export async function eraseInSpans(
  beside: string,
  { name, spellings }: ErasedVcon,
  pseudonym: string,
): Promise<void> {
  const folder = spanLogFolder(beside, name);
  if (!existsSync(folder)) return;
  const lock = lockFile(join(folder, LOCK));
  if (!lock)
    throw new VconOtelError('JOURNAL_IN_USE', `a service sends the spans in ${folder} at this moment`);
  try {
    for (const { path } of segmentsOf(folder)) {
      const written: string[] = [];
      let isNamed = false;
      for await (const line of linesOf(path)) {
        const text = Buffer.from(await textOfLine(line));
        if (replaceTexts(text, spellings, pseudonym) > 0) isNamed = true;
        written.push(await writtenLine(line.first, line.count, line.time, text.toString()));
      }
      if (isNamed) await replaceFile(path, written.join(''));
    }
  } finally {
    lock.release();
  }
}

async function* linesOf(path: string): AsyncGenerator<SpanLine> {
  for (let offset = 0; ; ) {
    const { lines, end } = await readSegment(path, offset);
    if (end === offset) return;
    yield* lines;
    offset = end;
  }
}
