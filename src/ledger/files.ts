import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { VconOtelError } from '../model/error.ts';
import { CHECKPOINT_LINES, openCheckpoint, type TreeHead } from './checkpoint.ts';
import { readLines, syncPath } from './segments.ts';

/** The newest checkpoint (C2SP tlog-tiles: `<prefix>/checkpoint`). */
export const CHECKPOINT_FILE = 'checkpoint';
/** Every checkpoint that was ever signed, one after the other. */
export const HISTORY_FILE = 'checkpoints';
/** The public key, as a verifier key. */
export const VERIFIER_KEY_FILE = 'ledger.vkey';
/** The private key, where the configuration does not name another one. */
export const KEY_FILE = 'signing-key.pem';

/** A checkpoint of a history, and where it starts. */
export interface KeptCheckpoint {
  readonly note: string;
  readonly offset: number;
  /** False for the rest of a file that does not end with a whole checkpoint. */
  readonly whole: boolean;
}

/**
 * The checkpoints of a history in order, in memory that does not depend on their number.
 * @param end the byte at which to stop: what comes later was signed later
 */
export function* readHistory(path: string, end = Number.POSITIVE_INFINITY): Generator<KeptCheckpoint, void> {
  if (!existsSync(path)) return;
  let lines: string[] = [];
  let start = 0;
  for (const { text, offset, whole } of readLines(path)) {
    if (offset >= end) break;
    if (lines.length === 0) start = offset;
    lines.push(`${text.toString()}${whole ? '\n' : ''}`);
    if (whole && lines.length < CHECKPOINT_LINES) continue;
    yield { note: lines.join(''), offset: start, whole };
    lines = [];
  }
  if (lines.length > 0) yield { note: lines.join(''), offset: start, whole: false };
}

/**
 * The tree heads of a text of checkpoints, such as an anchor holds; unsigned ones too, so that a ledger that was signed
 * anew with another key is seen to differ.
 * @throws VconOtelError `LEDGER_DAMAGED` where there is none
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

/** A small text file; undefined where there is none. */
export function readText(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/** Puts a file in place of another one, while a ledger is opened: seen whole or not at all, and on the disk. */
export function replaceAtOnce(path: string, text: string, mode = 0o644): void {
  const temporary = `${path}.tmp`;
  const file = openSync(temporary, 'w', mode);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  syncPath(dirname(path));
}

/** As {@link replaceAtOnce}, without holding anybody up. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`;
  await inFile(temporary, 'w', async (file) => {
    await file.writeFile(text);
    await file.sync();
  });
  await rename(temporary, path);
  await inFile(dirname(path), 'r', (folder) => folder.sync());
}

/** Appends to a file and has that on the disk. */
export async function appendDurably(path: string, text: string): Promise<void> {
  await inFile(path, 'a', async (file) => {
    await file.writeFile(text);
    await file.sync();
  });
}

/** Cuts a file off at a length, writes a text there, and has that on the disk. */
export async function writeEnd(path: string, length: number, text: string): Promise<void> {
  await inFile(path, existsSync(path) ? 'r+' : 'w', async (file) => {
    await file.truncate(length);
    const data = Buffer.from(text);
    for (let at = 0; at < data.length; )
      at += (await file.write(data, at, data.length - at, length + at)).bytesWritten;
    await file.sync();
  });
}

/** Has a file on the disk that was written before. */
export async function syncFile(path: string): Promise<void> {
  await inFile(path, 'r', (file) => file.sync());
}

async function inFile(path: string, flag: string, work: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, flag);
  try {
    await work(file);
  } finally {
    await file.close();
  }
}
