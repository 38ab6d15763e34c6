import { close, closeSync, fdatasync, fstat, fsyncSync, ftruncateSync, openSync, write } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Segment } from './segments.ts';

/** The file that records are appended to. What `append` resolved for is on the disk and is never touched again. */
export class SegmentFile {
  readonly #directory: string;
  #segment: Segment;
  #bytes: number;
  #handle: number | undefined;

  /** @param bytes of it that are on the disk */
  constructor(directory: string, segment: Segment, bytes: number) {
    this.#directory = directory;
    this.#segment = segment;
    this.#bytes = bytes;
  }

  /** Bytes that are on the disk. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Writes a text after all that is on the disk, and waits until it is there too, in a file that still has a name. After a failure the file is closed: what
   * the system says of a page that it could not write is not to be relied on, so the next call opens it anew and cuts off
   * whatever of the failed write is in it.
   */
  async append(text: string): Promise<void> {
    this.#handle ??= openAt(join(this.#directory, this.#segment.file), this.#bytes);
    const file = this.#handle;
    try {
      const data = Buffer.from(text);
      for (let at = 0; at < data.length; )
        at += (await writeSome(file, data, at, data.length - at, this.#bytes + at)).bytesWritten;
      await syncData(file);
      if ((await statusOf(file)).nlink === 0) throw new Error('the file was deleted');
      this.#bytes += data.length;
    } catch (error) {
      this.#handle = undefined;
      await closeFile(file).catch(() => undefined);
      throw error;
    }
  }

  /** Goes on in a new segment, which is empty. */
  moveTo(segment: Segment): void {
    this.close();
    this.#segment = segment;
    this.#bytes = 0;
  }

  close(): void {
    if (this.#handle !== undefined) closeSync(this.#handle);
    this.#handle = undefined;
  }
}

const writeSome = promisify(write);
const syncData = promisify(fdatasync);
const statusOf = promisify(fstat);
const closeFile = promisify(close);

function openAt(path: string, bytes: number): number {
  const file = openSync(path, 'r+');
  try {
    ftruncateSync(file, bytes);
    fsyncSync(file);
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}
