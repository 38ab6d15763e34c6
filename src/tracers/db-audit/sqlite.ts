import { accessSync, constants } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { errorType, VconOtelError } from '../../model/error.ts';
import { makeFolder } from '../../persistence/make-folder.ts';
import { makePrivateFile } from '../../persistence/private-file.ts';
import type { SqliteTarget } from './options.ts';
import type { AuditRecord, AuditTable } from './record.ts';
import { failure } from './sql-failure.ts';
import type { RowsReply, RowsRequest } from './sqlite-writer.ts';

/** The file is beside this one, as source or as built. */
const WRITER = new URL(
  import.meta.url.endsWith('.ts') ? './sqlite-writer.ts' : './sqlite-writer.js',
  import.meta.url,
);

/** Errors that no further attempt would change: the table is not ours, or does not accept a row. */
const PERMANENT = ['SQLITE_ERROR', 'SQLITE_CONSTRAINT', 'SQLITE_18', 'SQLITE_20'];

/**
 * A table in a SQLite file, both created if they are missing.
 * @param name the tracer's, for errors
 * @throws VconOtelError `FILE_UNUSABLE`
 */
export function sqliteTable({ path, ...target }: SqliteTarget, name: string): AuditTable {
  const file = resolve(path);
  requireUsable(file, `tracers.${name}.options.database`);
  return new SqliteTable({ ...target, path: file });
}

/**
 * The thread that has the file open. It starts with the first rows, and again if it ever ends by itself. While it has no
 * request, it does not keep the process alive.
 */
class SqliteTable implements AuditTable {
  readonly #target: SqliteTarget;
  #worker: Worker | undefined;
  /** Callers who wait for an answer, in the order of their requests. */
  #asked: ((reply: RowsReply) => void)[] = [];
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

  #ask(request: RowsRequest): Promise<RowsReply> {
    const worker = this.#worker ?? this.#begin();
    worker.ref();
    return new Promise((resolve) => {
      this.#asked.push(resolve);
      worker.postMessage(request);
    });
  }

  #begin(): Worker {
    // Without the modules that the process preloads.
    const without = { execArgv: [], env: {} };
    const worker = new Worker(WRITER, { workerData: this.#target, name: 'vcon-otel db_audit', ...without });
    worker.on('message', (reply: RowsReply) => {
      this.#asked.shift()?.(reply);
      if (this.#asked.length === 0) worker.unref();
    });
    // Its exit says the same.
    worker.on('error', () => undefined);
    worker.once('exit', () => {
      this.#worker = undefined;
      for (const answer of this.#asked.splice(0)) answer({ code: 'THREAD_ENDED' });
    });
    this.#worker = worker;
    return worker;
  }
}

function requireUsable(path: string, option: string): void {
  try {
    makeFolder(dirname(path));
    makePrivateFile(path);
    accessSync(path, constants.R_OK | constants.W_OK);
  } catch (cause) {
    throw new VconOtelError('FILE_UNUSABLE', `${option}: cannot write to this file: ${errorType(cause)}`, {
      path: option,
      cause,
    });
  }
}
