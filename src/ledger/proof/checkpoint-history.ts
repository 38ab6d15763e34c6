import { existsSync } from 'node:fs';
import { VconOtelError } from '../../model/error.ts';
import { readLines } from '../../persistence/read-lines.ts';
import { CHECKPOINT_LINES, openCheckpoint, type TreeHead } from './checkpoint.ts';

/** A checkpoint in a history, and where it starts. */
export interface KeptCheckpoint {
  readonly note: string;
  readonly offset: number;
  /** False for an unfinished checkpoint at the end of the file. */
  readonly whole: boolean;
}

/**
 * Reads the checkpoints of a history in order, in constant memory.
 * @param end the byte to stop at: later checkpoints were signed later
 */
export function* readHistory(path: string, end = Number.POSITIVE_INFINITY): Generator<KeptCheckpoint, void> {
  if (!existsSync(path)) return;
  let lines: string[] = [];
  let start = 0;
  for (const { text, offset, whole } of readLines(path, { longest: LONGEST_LINE })) {
    if (offset >= end) break;
    if (lines.length === 0) start = offset;
    lines.push(`${text.toString()}${whole ? '\n' : ''}`);
    if (whole && lines.length < CHECKPOINT_LINES) continue;
    yield { note: lines.join(''), offset: start, whole };
    lines = [];
  }
  if (lines.length > 0) yield { note: lines.join(''), offset: start, whole: false };
}

/** The longest line of a checkpoint in bytes: an origin, or a signature with the name of its key. */
const LONGEST_LINE = 16_384;

/**
 * The tree heads of several checkpoints, such as an anchor has; including those with an unknown signature, so that a ledger
 * that was signed again with another key is seen to differ.
 * @throws VconOtelError `LEDGER_DAMAGED` if there is none
 */
export function readHeads(text: string): TreeHead[] {
  const lines = text.split('\n');
  const heads = Array.from({ length: Math.floor(lines.length / CHECKPOINT_LINES) }, (_, i) => {
    const note = lines.slice(i * CHECKPOINT_LINES, (i + 1) * CHECKPOINT_LINES).join('\n');
    const opened = openCheckpoint(`${note}\n`, []);
    if ('head' in opened) return opened.head;
    throw new VconOtelError('LEDGER_DAMAGED', 'the older checkpoints cannot be read');
  });
  if (heads.length === 0)
    throw new VconOtelError('LEDGER_DAMAGED', 'there is no older checkpoint in this file');
  return heads;
}
