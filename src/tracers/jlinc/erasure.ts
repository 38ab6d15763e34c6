import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ErasedVcon, Mention } from '../../model/erasure.ts';
import { errorType } from '../../model/error.ts';
import { replaceFile } from '../../persistence/replace-file.ts';
import { countTexts } from '../../persistence/replace-text.ts';
import { RECEIPT_FILE } from './kept-receipt.ts';

/** Receipts that name a vCon. @throws the system's error */
export async function mentions(
  { directory }: { readonly directory: string },
  { spellings }: ErasedVcon,
): Promise<readonly Mention[]> {
  const digests: string[] = [];
  for (const file of await filesIn(directory))
    for (const line of await linesOf(file))
      if (countTexts(line, spellings) > 0) digests.push(createHash('sha256').update(line).digest('hex'));
  return [
    { what: 'receipts', count: digests.length, digests },
    { what: 'events in JLINC', count: undefined, stays: 'JLINC has what it was sent: erase it there' },
  ];
}

/** Removes them: a receipt that was changed would not be the one that was signed. @throws the system's error */
export async function erase(
  { directory }: { readonly directory: string },
  { spellings }: ErasedVcon,
): Promise<void> {
  for (const file of await filesIn(directory)) {
    const lines = await linesOf(file);
    const kept = lines.filter((line) => countTexts(line, spellings) === 0);
    if (kept.length < lines.length)
      await replaceFile(file, Buffer.concat(kept.flatMap((line) => [line, LINE_BREAK])));
  }
}

const LINE_BREAK = Buffer.from('\n');

async function filesIn(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory))
      .filter((name) => RECEIPT_FILE.test(name))
      .map((name) => join(directory, name));
  } catch (error) {
    if (errorType(error) === 'ENOENT') return [];
    throw error;
  }
}

/** The lines of a day, without their line breaks. */
async function linesOf(file: string): Promise<Buffer[]> {
  const bytes = await readFile(file);
  const lines: Buffer[] = [];
  for (let from = 0; from < bytes.length; ) {
    const stop = bytes.indexOf('\n', from);
    const to = stop === -1 ? bytes.length : stop;
    lines.push(bytes.subarray(from, to));
    from = to + 1;
  }
  return lines;
}
