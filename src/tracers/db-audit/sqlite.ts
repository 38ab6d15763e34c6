import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { errorType, VconOtelError } from '../../model/error.ts';
import type { SqliteTarget } from './options.ts';
import type { AuditRecord, AuditTable } from './record.ts';
import { failure } from './sql-failure.ts';
import type { Reply, Request } from './sqlite-writer.ts';

/** The file stands beside this one, as source or as what was built from it. */
const WRITER = new URL(
  import.meta.url.endsWith('.ts') ? './sqlite-writer.ts' : './sqlite-writer.js',
  import.meta.url,
);

/** What fails again however often it is tried: the table is not ours, or a row is not what it takes. */
const PERMANENT = ['SQLITE_ERROR', 'SQLITE_CONSTRAINT', 'SQLITE_18', 'SQLITE_20'];

/**
 * A table in a SQLite file, both made where they are missing.
 * @param name the tracer's, for errors
 * @throws VconOtelError `FILE_UNUSABLE`
 */
export function sqliteTable({ path, ...target }: SqliteTarget, name: string): AuditTable {
  const file = resolve(path);
  requireUsable(file, `tracers.${name}.options.database`);
  return new SqliteTable({ ...target, path: file });
}

/**
 * The thread that has the file open, begun with the first rows, and anew should it ever end by itself. While nothing is asked of
 * it, it keeps no process alive.
 */
class SqliteTable implements AuditTable {
  readonly #target: SqliteTarget;
  #worker: Worker | undefined;
  /** Those who wait for an answer, in the order of their questions. */
  #asked: ((reply: Reply) => void)[] = [];
  #closed: Promise<unknown> | undefined;

  constructor(target: SqliteTarget) {
    this.#target = target;
  }

  async insert(records: readonly AuditRecord[]): Promise<void> {
    const { code } = this.#closed ? { code: 'CLOSED' } : await this.#ask(records);
    if (code !== undefined) throw failure(code, PERMANENT.includes(code), undefined);
  }

  async close(): Promise<void> {
    this.#closed ??= this.#worker ? this.#ask('close') : Promise.resolve();
    await this.#closed;
  }

  #ask(request: Request): Promise<Reply> {
    const worker = this.#worker ?? this.#begin();
    worker.ref();
    return new Promise((resolve) => {
      this.#asked.push(resolve);
      worker.postMessage(request);
    });
  }

  #begin(): Worker {
    // Without what the process preloads.
    const without = { execArgv: [], env: {} };
    const worker = new Worker(WRITER, { workerData: this.#target, name: 'vcon-otel db_audit', ...without });
    worker.on('message', (reply: Reply) => {
      this.#asked.shift()?.(reply);
      if (this.#asked.length === 0) worker.unref();
    });
    // Its exit tells as much.
    worker.on('error', () => undefined);
    worker.once('exit', () => {
      this.#worker = undefined;
      for (const answer of this.#asked.splice(0)) answer({ code: 'THREAD_ENDED' });
    });
    this.#worker = worker;
    return worker;
  }
}

/** Made here, for its mode: readable by its owner only. */
function requireUsable(path: string, option: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    // A file that is there is not opened: closing it would take SQLite's locks from this process.
    if (existsSync(path)) accessSync(path, constants.R_OK | constants.W_OK);
    else closeSync(openSync(path, 'a', 0o600));
  } catch (cause) {
    throw new VconOtelError('FILE_UNUSABLE', `${option}: cannot write to this file: ${errorType(cause)}`, {
      path: option,
      cause,
    });
  }
}
