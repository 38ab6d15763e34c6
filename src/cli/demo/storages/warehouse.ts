import { DatabaseSync } from 'node:sqlite';
import type { Storage } from '../../../model/chain.ts';
import { VconOtelError } from '../../../model/error.ts';
import { parseVcon } from '../../../model/vcon.ts';
import { makePrivateFile } from '../../../persistence/private-file.ts';

/** Size in bytes of the largest document that the warehouse accepts. */
export const MAX_DOCUMENT_BYTES = 1024 * 1024;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS vcons (
    uuid TEXT PRIMARY KEY,
    received_at TEXT NOT NULL,
    parties INTEGER NOT NULL,
    dialogs INTEGER NOT NULL,
    size INTEGER NOT NULL CHECK (size <= ${MAX_DOCUMENT_BYTES}),
    document TEXT NOT NULL
  )`;

/** A storage that holds a database open. */
export interface Warehouse {
  readonly storage: Storage;
  /** Closes the database. Safe twice. */
  close(): void;
}

/**
 * Keeps vCons as rows of a SQLite database, created if missing. The database itself refuses documents
 * beyond {@link MAX_DOCUMENT_BYTES}.
 * @throws Error of `node:sqlite` if the file cannot be opened as such a database
 */
export function openWarehouse(path: string): Warehouse {
  makePrivateFile(path);
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
    database.exec(SCHEMA);
    const insert = database.prepare(
      'INSERT OR REPLACE INTO vcons (uuid, received_at, parties, dialogs, size, document) VALUES (?, ?, ?, ?, ?, ?)',
    );
    const storage: Storage = {
      name: 'warehouse',
      dbSystemName: 'sqlite',
      async save(vconUuid, { vcons, signal }) {
        const text = await vcons.read(vconUuid);
        signal.throwIfAborted();
        if (text === undefined) throw new VconOtelError('VCON_INVALID', 'vCon is not in the store');
        const { parties, dialog } = parseVcon(text);
        insert.run(
          vconUuid,
          new Date().toISOString(),
          parties?.length ?? 0,
          dialog?.length ?? 0,
          Buffer.byteLength(text),
          text,
        );
      },
    };
    return {
      storage,
      close() {
        if (database.isOpen) database.close();
      },
    };
  } catch (error) {
    database.close();
    throw error;
  }
}
