import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { makePrivateFile } from '../../../persistence/private-file.ts';

/** How far a journal had come. */
export interface Mark {
  /** Which journal, see `Journal`. */
  readonly id: string;
  /** The seq of the newest event. */
  readonly last: number;
  /** The place after the newest entry of the input log. */
  readonly end: number;
}

/** Bytes: longer than any mark, so that one is always written over the other as a whole. */
const SIZE = 128;

/**
 * Says beside a journal how far it had come. A log that was deleted after a kill, or an old copy in the journal's place, lacks what
 * it had kept and looks sound. Written after what it speaks of is on the disk, and not synchronised: it may lag behind after a power cut, never
 * run ahead.
 */
export class HighWater {
  readonly #path: string;
  #file: number | undefined;
  #written = '';

  /** @param path the journal's */
  constructor(path: string) {
    this.#path = markFileOf(path);
  }

  /** What stands there; undefined where nothing does that can be read. */
  read(): Mark | undefined {
    try {
      const [id = '', last, end, checksum] = readFileSync(this.#path, 'utf8').trim().split(' ');
      const mark = { id, last: Number(last), end: Number(end) };
      return checksum === checksumOf(mark) ? mark : undefined;
    } catch {
      return undefined;
    }
  }

  /** Never throws: a journal that can be written must not fail for want of its mark. */
  write(mark: Mark): void {
    const text = `${wordsOf(mark)} ${checksumOf(mark)}`;
    if (text === this.#written) return;
    try {
      if (this.#file === undefined) {
        makePrivateFile(this.#path);
        this.#file = openSync(this.#path, 'r+');
        ftruncateSync(this.#file, SIZE);
      }
      writeSync(this.#file, text.padEnd(SIZE), 0);
      this.#written = text;
    } catch {
      this.close();
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#written = '';
  }
}

function wordsOf({ id, last, end }: Mark): string {
  return `${id} ${last} ${end}`;
}

/** A mark that is not as it was written would say that something is gone which is there. */
function checksumOf(mark: Mark): string {
  return crc32(wordsOf(mark)).toString(16);
}

/** Where the mark of a journal is. */
function markFileOf(path: string): string {
  return `${path}-mark`;
}

/** What is gone of a journal, in words; undefined where nothing is. */
export function lossSince(mark: Mark, now: Mark): string | undefined {
  if (mark.id !== now.id)
    return mark.last === 0 && mark.end === 0
      ? undefined
      : 'it is not the one that was here: events and inputs that this one had kept are gone';
  const events = Math.max(0, mark.last - now.last);
  const inputs = Math.max(0, mark.end - now.end);
  if (events + inputs === 0) return undefined;
  return `it has gone back: ${events} events and ${inputs} inputs that it had kept are gone (was its -wal file deleted, or an old copy put in its place?)`;
}
