import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { errorType, VconOtelError } from '../../model/error.ts';
import { Batches } from '../../persistence/batches.ts';
import { DurableFile } from '../../persistence/durable-file.ts';
import { makeFolder } from '../../persistence/make-folder.ts';
import { PRIVATE_FILE } from '../../persistence/private-file.ts';
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
  #current: { readonly day: string; readonly file: DurableFile } | undefined;

  /**
   * @param option names the option in errors
   * @throws VconOtelError `FILE_UNUSABLE` where no file can be made there
   */
  constructor(directory: string, option: string) {
    this.#directory = directory;
    this.#lines = new Batches({
      write: (lines) => this.#write(lines),
      maxBatch: MAX_BATCH,
      maxWaiting: MAX_WAITING,
    });
    try {
      makeFolder(directory);
      closeSync(openSync(this.#path(today()), 'a', PRIVATE_FILE));
    } catch (cause) {
      throw new VconOtelError('FILE_UNUSABLE', `${option}: cannot write files there: ${errorType(cause)}`, {
        path: option,
        cause,
      });
    }
  }

  /**
   * @returns its line, without the line break
   * @throws JlincError `RECEIPT_NOT_KEPT` where it is not on the disk; another try may succeed
   */
  async append(receipt: unknown): Promise<string> {
    const line = JSON.stringify(receipt);
    try {
      await this.#lines.add(`${line}\n`);
      return line;
    } catch (cause) {
      throw new JlincError('RECEIPT_NOT_KEPT', 'a receipt could not be written', { cause });
    }
  }

  /** Waits for what was accepted. Safe twice. */
  async close(): Promise<void> {
    await this.#lines.close();
    await this.#current?.file.close();
  }

  async #write(lines: readonly string[]): Promise<void> {
    const file = await this.#fileOf(today());
    await file.append(lines.join(''));
  }

  async #fileOf(day: string): Promise<DurableFile> {
    if (this.#current?.day === day) return this.#current.file;
    await this.#current?.file.close();
    const file = new DurableFile({ path: this.#path(day), create: true });
    this.#current = { day, file };
    return file;
  }

  #path(day: string): string {
    return join(this.#directory, `receipts-${day}.jsonl`);
  }
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}
