import { close, fstatSync, fsync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { PartlyWritten } from './batches.ts';
import { makeFolder } from './make-folder.ts';
import { PRIVATE_FILE } from './private-file.ts';
import { writeAll } from './write-all.ts';

/**
 * A file, pipe or device that lines are appended to, by others as well. A written line is with the operating system: it
 * survives a crash of this process, but not a power cut; `sync` waits for the disk. Our own, because log libraries (pino,
 * sonic-boom) answer before the write and so hide that it failed.
 *
 * No line continues an unfinished one: a line that a killed process left is ended, and one that a full disk cut off is
 * completed.
 */
export class LineFile {
  readonly #file: number;
  readonly #isRegular: boolean;
  /** What must be written before the next line may start. */
  #unfinished: Uint8Array = NOTHING;
  #closed: Promise<void> | undefined;

  /**
   * Opens the file; creates it, and its folders, if missing.
   * @throws the system's error
   */
  constructor(path: string) {
    makeFolder(dirname(path));
    this.#file = openSync(path, 'a+', PRIVATE_FILE);
    const status = fstatSync(this.#file);
    this.#isRegular = status.isFile();
    if (this.#isRegular && status.size > 0 && lastByte(this.#file, status.size) !== NEW_LINE[0])
      this.#unfinished = NEW_LINE;
  }

  /**
   * Appends lines, which include their line breaks, in one write. One call at a time.
   * @throws PartlyWritten if not all of them are in the file as a whole
   */
  async write(lines: readonly Uint8Array[]): Promise<void> {
    const data = Buffer.concat([this.#unfinished, ...lines]);
    const { bytes, error } = await writeAll(this.#file, data, null);
    if (error === undefined) {
      this.#unfinished = NOTHING;
      return;
    }
    let end = this.#unfinished.length;
    let written = 0;
    for (const line of lines) {
      if (end >= bytes) break;
      end += line.length;
      if (end <= bytes) written += 1;
    }
    // The rest of the line that was cut off.
    this.#unfinished = data.subarray(bytes, end);
    throw new PartlyWritten(written, error);
  }

  /** Waits until everything written is on disk. @throws the system's error */
  async sync(): Promise<void> {
    if (this.#closed) return this.#closed;
    await this.#sync();
  }

  /** Completes a line that was cut off, waits for the disk, and closes the file. Safe twice. @throws the system's error */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    try {
      // Its caller has already been told that it failed.
      await this.write([]).catch(() => undefined);
      await this.#sync();
    } finally {
      await closeFile(this.#file);
    }
  }

  async #sync(): Promise<void> {
    if (this.#isRegular) await fsyncFile(this.#file);
  }
}

const NOTHING = Buffer.alloc(0);
const NEW_LINE = Buffer.from('\n');

const fsyncFile = promisify(fsync);
const closeFile = promisify(close);

function lastByte(file: number, size: number): number | undefined {
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, size - 1);
  return byte[0];
}
