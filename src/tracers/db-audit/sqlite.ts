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

/** The thread that has the file open, begun with the first rows. While nothing is asked of it, it keeps no process alive. */
class SqliteTable implements AuditTable {
  readonly #target: SqliteTarget;
  #worker: Worker | undefined;
  #closing = false;

  constructor(target: SqliteTarget) {
    this.#target = target;
  }

  async insert(records: readonly AuditRecord[]): Promise<void> {
    const { code } = this.#closing ? { code: 'CLOSED' } : await this.#ask(records);
    if (code !== undefined) throw failure(code, PERMANENT.includes(code), undefined);
  }

  async close(): Promise<void> {
    this.#closing = true;
    if (this.#worker) await this.#ask('close');
  }

  #ask(request: Request): Promise<Reply> {
    this.#worker ??= new Worker(WRITER, {
      workerData: this.#target,
      name: 'vcon-otel db_audit',
      // Without what the process preloads.
      execArgv: [],
      env: {},
    });
    const worker = this.#worker;
    return new Promise((answer) => {
      const settle = (reply: Reply) => {
        worker.off('message', settle).off('error', ended).off('exit', ended);
        worker.unref();
        answer(reply);
      };
      const ended = () => {
        this.#worker = undefined;
        // Its error is told by its exit as well.
        worker.on('error', () => undefined);
        settle({ code: 'THREAD_ENDED' });
      };
      worker.on('message', settle).on('error', ended).on('exit', ended);
      worker.ref();
      worker.postMessage(request);
    });
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
