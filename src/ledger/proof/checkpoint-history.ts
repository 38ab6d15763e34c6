import { existsSync } from 'node:fs';
import { VconOtelError } from '../../model/error.ts';
import { readLines } from '../../persistence/read-lines.ts';
import { CHECKPOINT_LINES, openCheckpoint, type TreeHead } from './checkpoint.ts';
import { isSignatureLine } from './note.ts';

/** A checkpoint in a history, and where it starts. */
export interface KeptCheckpoint {
  readonly note: string;
  readonly offset: number;
  /** False for an unfinished checkpoint at the end of the file. */
  readonly whole: boolean;
}

/** Where a history is read. */
export interface HistoryRange {
  /** The byte at which a checkpoint starts. Default 0. */
  readonly from?: number;
  /** The byte to stop at: later checkpoints were signed later. */
  readonly end?: number;
}

/**
 * Reads the checkpoints of a history in order, in constant memory. Each has one signature or several: others may have
 * signed it, too (C2SP tlog-cosignature).
 */
export function* readHistory(
  path: string,
  { from = 0, end = Number.POSITIVE_INFINITY }: HistoryRange = {},
): Generator<KeptCheckpoint, void> {
  if (existsSync(path)) yield* checkpointsOf(linesOf(path, from, end));
}

/** The longest line of a checkpoint in bytes: an origin, or a signature with the name of its key. */
const LONGEST_LINE = 16_384;
/** Code units of what may be a checkpoint: something else is not held in memory as a whole. */
const LONGEST_NOTE = 20 * LONGEST_LINE;

interface TextLine {
  readonly text: string;
  readonly offset: number;
  readonly whole: boolean;
}

function* linesOf(path: string, from: number, end: number): Generator<TextLine> {
  for (const { text, offset, whole } of readLines(path, { longest: LONGEST_LINE, offset: from })) {
    if (offset >= end) return;
    yield { text: text.toString(), offset, whole };
  }
}

/** A checkpoint ends with the last of its signatures: with the line before another text. */
function* checkpointsOf(lines: Iterable<TextLine>): Generator<KeptCheckpoint, void> {
  let [note, offset, count, isSigned] = ['', 0, 0, false];
  for (const line of lines) {
    const isSignature = line.whole && isSignatureLine(line.text);
    if ((isSigned && !isSignature) || note.length > LONGEST_NOTE) {
      yield { note, offset, whole: true };
      [note, count] = ['', 0];
    }
    if (count === 0) offset = line.offset;
    note += line.whole ? `${line.text}\n` : line.text;
    count += line.whole ? 1 : 0;
    isSigned = isSignature;
  }
  // As many whole lines as a checkpoint has are none that is unfinished, whatever became of them.
  if (note !== '') yield { note, offset, whole: note.endsWith('\n') && count >= CHECKPOINT_LINES };
}

/**
 * The tree heads of several checkpoints, such as an anchor has; including those with an unknown signature, so that a ledger
 * that was signed again with another key is seen to differ.
 * @throws VconOtelError `LEDGER_DAMAGED` if there is none
 */
export function readHeads(text: string): TreeHead[] {
  const heads: TreeHead[] = [];
  for (const note of notesOf(text)) {
    const opened = openCheckpoint(note, []);
    if (!('head' in opened))
      throw new VconOtelError('LEDGER_DAMAGED', 'the older checkpoints cannot be read');
    heads.push(opened.head);
  }
  if (heads.length === 0)
    throw new VconOtelError('LEDGER_DAMAGED', 'there is no older checkpoint in this file');
  return heads;
}

/** The checkpoints of a text, as they are; without one that is unfinished. */
export function notesOf(text: string): string[] {
  return [...checkpointsOf(textLines(text))].flatMap(({ note, whole }) => (whole ? [note] : []));
}

function* textLines(text: string): Generator<TextLine> {
  for (let offset = 0; offset < text.length; ) {
    const stop = text.indexOf('\n', offset);
    const next = stop === -1 ? text.length : stop + 1;
    yield { text: text.slice(offset, stop === -1 ? undefined : stop), offset, whole: stop !== -1 };
    offset = next;
  }
}
