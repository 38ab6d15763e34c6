import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { errorType } from '../../model/error.ts';
import { sqliteCode } from '../../model/sqlite-error.ts';
import type { SqliteTarget } from './options.ts';
import type { AuditRecord } from './record.ts';

//  The thread that owns the database's file, so that waiting for a disk holds up nobody.

/** What is asked of the thread: rows to write, or to close the file. */
export type Request = readonly AuditRecord[] | 'close';

/** What came of it: nothing, or the error's code. */
export type Reply = { readonly code?: string };

/** Milliseconds that another process may hold the database. */
const PATIENCE = 5_000;

interface OpenFile {
  readonly database: DatabaseSync;
  readonly insert: StatementSync;
  /** Which file it is: one that was deleted or replaced must not be written to any more. */
  readonly inode: number;
}

function writer({ path, table }: SqliteTarget): (request: Request) => Reply {
  let file: OpenFile | undefined;

  return (request) => {
    try {
      if (request === 'close') close();
      else write(request);
      return {};
    } catch (error) {
      return { code: sqliteCode(error) ?? errorType(error) };
    }
  };

  function write(records: readonly AuditRecord[]): void {
    const wasOpen = file !== undefined;
    try {
      insert(records);
    } catch (error) {
      close();
      // Somebody may have dropped the table: a file that is opened anew has it.
      if (!wasOpen || sqliteCode(error) !== 'SQLITE_ERROR') throw error;
      insert(records);
    }
  }

  function insert(records: readonly AuditRecord[]): void {
    if (file && inodeOf(path) !== file.inode) close();
    file ??= open(path, table);
    file.database.exec('BEGIN IMMEDIATE');
    for (const { event_id, vcon_uuid, event, timestamp, metadata } of records)
      file.insert.run(event_id, vcon_uuid, event, timestamp, JSON.stringify(metadata));
    file.database.exec('COMMIT');
  }

  function close(): void {
    const open = file;
    file = undefined;
    // What was begun is rolled back.
    open?.database.close();
  }
}

function open(path: string, table: string): OpenFile {
  mkdirSync(dirname(path), { recursive: true });
  const database = new DatabaseSync(path, { timeout: PATIENCE });
  try {
    // FULL: what is answered is on the disk.
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      CREATE TABLE IF NOT EXISTS "${table}" (
        event_id TEXT PRIMARY KEY,
        vcon_uuid TEXT NOT NULL,
        event TEXT NOT NULL,
        timestamp TEXT NOT NULL,
        metadata TEXT NOT NULL CHECK (json_valid(metadata))
      );
      CREATE INDEX IF NOT EXISTS "${table}_of_vcon" ON "${table}" (vcon_uuid, timestamp);
      CREATE INDEX IF NOT EXISTS "${table}_errors" ON "${table}" (timestamp)
        WHERE event IN ('chain_error', 'link_error', 'storage_error')`);
    const insert = database.prepare(
      `INSERT INTO "${table}" (event_id, vcon_uuid, event, timestamp, metadata) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (event_id) DO NOTHING`,
    );
    return { database, insert, inode: inodeOf(path) };
  } catch (error) {
    database.close();
    throw error;
  }
}

function inodeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? 0;
}

if (parentPort) {
  const port = parentPort;
  const answer = writer(workerData);
  port.on('message', (request: Request) => {
    port.postMessage(answer(request));
    if (request === 'close') port.close();
  });
}
