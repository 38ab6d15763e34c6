import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { Batches } from './batches.ts';
import { DurableFile } from './durable-file.ts';
import { makeFolder } from './make-folder.ts';
import { PRIVATE_FILE } from './private-file.ts';

/** Lines in one write, and lines that may wait for theirs. */
const MAX_BATCH = 10_000;
const MAX_WAITING = 10_000;

/** What code passes to {@link DailyFile}. */
export interface DailyFileSettings {
  readonly directory: string;
  /** The file of a UTC day, `2026-03-01`. */
  name(day: string): string;
}

/**
 * Lines in a file for each UTC day, so that old ones can be taken away whole. What was appended is on the disk; lines that come
 * meanwhile share the next write.
 */
export class DailyFile {
  readonly #settings: DailyFileSettings;
  readonly #lines: Batches<string>;
  #current: { readonly day: string; readonly file: DurableFile } | undefined;

  /** @throws the system's error where no file can be made there */
  constructor(settings: DailyFileSettings) {
    this.#settings = settings;
    this.#lines = new Batches({
      write: (lines) => this.#write(lines),
      maxBatch: MAX_BATCH,
      maxWaiting: MAX_WAITING,
    });
    makeFolder(settings.directory);
    closeSync(openSync(this.#path(today()), 'a', PRIVATE_FILE));
  }

  /** @param line without its line break. @throws the system's error where it is not on the disk; another try may succeed */
  async append(line: string): Promise<void> {
    await this.#lines.add(`${line}\n`);
  }

  /** Resolves when everything accepted so far is on the disk, or was refused. Never rejects. */
  flush(): Promise<void> {
    return this.#lines.flush();
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
    return join(this.#settings.directory, this.#settings.name(day));
  }
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}
