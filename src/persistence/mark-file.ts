import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { makePrivateFile } from './private-file.ts';

/** Bytes: longer than any mark, so that one is always written over the other as a whole. */
const SIZE = 128;

/**
 * A few words beside a file that say how far it had come: whoever deletes or shortens the file leaves them. Written after what they
 * speak of is on the disk, and not synchronised: they may lag behind after a power cut, never run ahead. With a checksum: a mark that is
 * not as it was written would say that something is gone which is there.
 */
export class MarkFile {
  readonly path: string;
  #file: number | undefined;
  #written = '';

  constructor(path: string) {
    this.path = path;
  }

  /** The words that stand there; undefined where none do that can be read. */
  read(): string | undefined {
    try {
      const [, words = '', sum] = /^(.*) (\S+)$/.exec(readFileSync(this.path, 'utf8').trim()) ?? [];
      return sum === checksumOf(words) ? words : undefined;
    } catch {
      return undefined;
    }
  }

  /** Never throws: what can be written must not fail for want of its mark. */
  write(words: string): void {
    if (words === this.#written) return;
    try {
      if (this.#file === undefined) {
        makePrivateFile(this.path);
        this.#file = openSync(this.path, 'r+');
        ftruncateSync(this.#file, SIZE);
      }
      writeSync(this.#file, `${words} ${checksumOf(words)}`.padEnd(SIZE), 0);
      this.#written = words;
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

function checksumOf(words: string): string {
  return crc32(words).toString(16);
}
