import {
  close,
  closeSync,
  constants,
  fdatasync,
  fstat,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { PRIVATE_FILE } from './private-file.ts';
import { syncFolderSync } from './sync-path.ts';
import { writeAll } from './write-all.ts';

/** What code passes to {@link DurableFile}. */
export interface DurableFileSettings {
  readonly path: string;
  /** Creates a missing file. Without it the file must exist. */
  readonly create?: boolean;
  /**
   * How many bytes are valid; anything after them is cut off. Only for a file that nobody else writes to. Without it, appending
   * starts with a line break, which ends a line that a crash left unfinished: readers skip empty and unfinished lines.
   */
  readonly end?: number;
}

/** Acknowledged data at the end of a file is gone. */
export class FileCutError extends Error {
  constructor() {
    super('the file has become shorter');
    this.name = 'FileCutError';
  }
}

/**
 * An append-only file whose appended data is on disk. It is opened with the first append.
 *
 * A failure closes the file: the system may drop pages that it could not write, and reports that only once (fsync(2)). The
 * next append reopens the file, trusts nothing that was not acknowledged, and writes new pages.
 */
export class DurableFile {
  readonly #path: string;
  readonly #create: boolean;
  #end: number | undefined;
  #file: number | undefined;

  constructor({ path, create = false, end }: DurableFileSettings) {
    this.#path = path;
    this.#create = create;
    this.#end = end;
  }

  /** How many bytes are on disk; NaN if `end` was not given. */
  get end(): number {
    return this.#end ?? Number.NaN;
  }

  /**
   * Appends a text. Resolves when it is on disk, in a file that has not been deleted. One call at a time.
   * @throws FileCutError if earlier data is gone, with `end`; the system's error otherwise: earlier data stays
   */
  async append(text: string): Promise<void> {
    const isReopened = this.#file === undefined;
    this.#file ??= this.#open();
    const file = this.#file;
    try {
      this.#requireWhole(file);
      const data = Buffer.from(isReopened && this.#end === undefined ? `\n${text}` : text);
      const { error } = await writeAll(file, data, this.#end ?? null);
      if (error !== undefined) throw error;
      await syncData(file);
      const { nlink, size } = await statusOf(file);
      if (nlink === 0) throw new Error('the file was deleted');
      if (this.#end === undefined) return;
      // What comes after it is not ours: it is cut off, and this written again.
      if (size > this.#end + data.length) throw new Error('somebody else has written to the file');
      this.#end += data.length;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Closes the file; another append opens it again. Never rejects: everything acknowledged is already on disk. */
  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) await closeFile(file).catch(() => undefined);
  }

  /** @throws FileCutError if acknowledged data at the end of the open file is gone */
  requireWhole(): void {
    if (this.#file !== undefined) this.#requireWhole(this.#file);
  }

  #requireWhole(file: number): void {
    if (this.#end !== undefined && fstatSync(file).size < this.#end) throw new FileCutError();
  }

  #open(): number {
    const { O_APPEND, O_CREAT, O_RDWR, O_WRONLY } = constants;
    const access = this.#end === undefined ? O_WRONLY | O_APPEND : O_RDWR;
    const file = openSync(this.#path, access | (this.#create ? O_CREAT : 0), PRIVATE_FILE);
    try {
      if (this.#end !== undefined) cut(file, this.#end);
      if (this.#create) syncFolderSync(dirname(this.#path));
      return file;
    } catch (error) {
      closeSync(file);
      throw error;
    }
  }
}

const syncData = promisify(fdatasync);
const statusOf = promisify(fstat);
const closeFile = promisify(close);

function cut(file: number, end: number): void {
  if (fstatSync(file).size < end) throw new FileCutError();
  ftruncateSync(file, end);
  fsyncSync(file);
}
