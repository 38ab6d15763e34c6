import { close, closeSync, fdatasync, fstat, fsyncSync, mkdirSync, open, openSync, write } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Batches } from '../../model/batches.ts';
import { errorType, VconOtelError } from '../../model/error.ts';
import { JlincError } from './failure.ts';

/** Lines in one write, and lines that may wait for theirs. */
const MAX_BATCH = 10_000;
const MAX_WAITING = 10_000;

/**
 * Where receipts are kept: one JSON line each in `receipts-<UTC day>.jsonl`, a file for each day, so that old ones can be
 * taken away whole. A line is on the disk before its receipt is acknowledged; those that come meanwhile share the next
 * write.
 */
export class ReceiptFile {
  readonly #directory: string;
  readonly #lines: Batches<string>;
  #file: { readonly day: string; readonly fd: number } | undefined;

  /**
   * @param option names the option in errors
   * @throws VconOtelError `FILE_UNUSABLE` where no file can be made there
   */
  constructor(directory: string, option: string) {
    this.#directory = directory;
    this.#lines = new Batches({
      write: (lines) => this.#write(Buffer.from(lines.join(''))),
      maxBatch: MAX_BATCH,
      maxWaiting: MAX_WAITING,
    });
    try {
      mkdirSync(directory, { recursive: true });
      closeSync(openSync(this.#path(today()), 'a', 0o600));
    } catch (cause) {
      throw new VconOtelError('FILE_UNUSABLE', `${option}: cannot write files there: ${errorType(cause)}`, {
        path: option,
        cause,
      });
    }
  }

  /** @throws JlincError `RECEIPT_NOT_KEPT` where it is not on the disk; another try may succeed */
  async append(receipt: unknown): Promise<void> {
    try {
      await this.#lines.add(`${JSON.stringify(receipt)}\n`);
    } catch (cause) {
      throw new JlincError('RECEIPT_NOT_KEPT', 'a receipt could not be written', { cause });
    }
  }

  /** Waits for what was accepted. Safe twice. */
  async close(): Promise<void> {
    await this.#lines.close();
    await this.#release();
  }

  async #write(data: Buffer): Promise<void> {
    try {
      const fd = await this.#open();
      for (let written = 0; written < data.length; )
        written += (await writeSome(fd, data, written, data.length - written)).bytesWritten;
      await sync(fd);
      if ((await statusOf(fd)).nlink === 0) throw new Error('the file was deleted');
    } catch (error) {
      // What stands there now is unknown: the next write opens the file anew and begins a line of its own.
      await this.#release();
      throw error;
    }
  }

  async #open(): Promise<number> {
    const day = today();
    if (this.#file?.day === day) return this.#file.fd;
    await this.#release();
    const fd = await openFile(this.#path(day), 'a', 0o600);
    this.#file = { day, fd };
    // Half a line that a crash left must not be continued; an empty one is no harm.
    await writeSome(fd, NEW_LINE, 0, NEW_LINE.length);
    this.#syncDirectory();
    return fd;
  }

  async #release(): Promise<void> {
    const { fd } = this.#file ?? {};
    this.#file = undefined;
    // It is gone either way; what mattered has been synced.
    if (fd !== undefined) await closeFile(fd).catch(() => undefined);
  }

  /** Else a new file may be gone after a power cut, although what is in it is not. */
  #syncDirectory(): void {
    if (process.platform === 'win32') return;
    const fd = openSync(this.#directory, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }

  #path(day: string): string {
    return join(this.#directory, `receipts-${day}.jsonl`);
  }
}

const NEW_LINE = Buffer.from('\n');

const openFile = promisify(open);
const writeSome = promisify(write);
const sync = promisify(fdatasync);
const statusOf = promisify(fstat);
const closeFile = promisify(close);

function today(): string {
  return new Date().toISOString().slice(0, 10);
}
