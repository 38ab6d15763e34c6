import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { errorType } from '../../model/error.ts';
import { makeFolder } from '../../persistence/make-folder.ts';
import { makePrivateFile } from '../../persistence/private-file.ts';
import { sqliteCode } from '../../persistence/sqlite-error.ts';
import { layoutOf } from './layout.ts';
import type { SqliteTarget } from './options.ts';
import { type AuditRecord, withIdInside } from './record.ts';
import { sqliteColumns } from './sqlite-columns.ts';

//  The thread that owns the database's file, so that waiting for a disk delays nobody.

/** A request to the thread: to write rows, or to close the file. */
export type RowsRequest = readonly AuditRecord[] | 'close';

/** The thread's answer: nothing, or the error's code. */
export type RowsReply = { readonly code?: string };

/** Milliseconds to wait while another process holds the database. */
const PATIENCE = 5_000;

interface OpenFile {
  readonly database: DatabaseSync;
  readonly insert: (record: AuditRecord) => void;
  /** Which file it is: a file that was deleted or replaced must not be written any more. */
  readonly inode: number;
}

function writer({ path, table }: SqliteTarget): (request: RowsRequest) => RowsReply {
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
      // Somebody may have dropped the table: opening the file anew creates it.
      if (!wasOpen || sqliteCode(error) !== 'SQLITE_ERROR') throw error;
      insert(records);
    }
  }

  function insert(records: readonly AuditRecord[]): void {
    if (file && inodeOf(path) !== file.inode) close();
    file ??= open(path, table);
    file.database.exec('BEGIN IMMEDIATE');
    for (const record of records) file.insert(record);
    file.database.exec('COMMIT');
  }

  function close(): void {
    const open = file;
    file = undefined;
    // A transaction that was begun is rolled back.
    open?.database.close();
  }
}

function open(path: string, table: string): OpenFile {
  makeFolder(dirname(path));
  makePrivateFile(path);
  const database = new DatabaseSync(path, { timeout: PATIENCE });
  try {
    // FULL: what was answered is on disk.
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
    return { database, insert: insertInto(database, table), inode: inodeOf(path) };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** How a row gets into the table as it is: perhaps somebody else has made it. */
function insertInto(database: DatabaseSync, table: string): OpenFile['insert'] {
  const { hasId, repeats } = layoutOf(sqliteColumns(database, table));
  const columns = [...(hasId ? ['event_id'] : []), 'vcon_uuid', 'event', 'timestamp', 'metadata'];
  const insert = `INSERT INTO "${table}" (${columns}) SELECT ${columns.map((name) => `:${name}`)} WHERE`;
  const statement = database.prepare(
    repeats === 'by_id'
      ? `${insert} true ON CONFLICT (event_id) DO NOTHING`
      : `${insert} NOT EXISTS (SELECT 1 FROM "${table}" WHERE vcon_uuid = :vcon_uuid AND timestamp = :timestamp
          AND event = :event AND metadata = :metadata)`,
  );
  return (given) => {
    const { event_id, ...record } = hasId ? given : withIdInside(given);
    const metadata = JSON.stringify(record.metadata);
    statement.run({ ...(hasId && { event_id }), ...record, metadata });
  };
}

function inodeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? 0;
}

if (parentPort) {
  const port = parentPort;
  const answer = writer(workerData);
  port.on('message', (request: RowsRequest) => {
    port.postMessage(answer(request));
    if (request === 'close') port.close();
  });
}
