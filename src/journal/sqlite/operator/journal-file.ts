import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { errorType, VconOtelError } from '../../../model/error.ts';
import { sqliteCode } from '../../../model/sqlite-error.ts';
import { isLocked } from '../writer/lock.ts';
import type { ConsumerId } from '../writer/schema.ts';
import { APPLICATION_ID, SCHEMA_VERSION, versionOf } from '../writer/schema.ts';

/** A journal that is open to an operator. */
export interface JournalFile {
  readonly path: string;
  readonly db: DatabaseSync;
  /** Transactions that were made here since the write-ahead log was worked into the file. */
  steps: number;
}

/** A tracer, as the journal knows it: it has settled everything up to its position. */
export interface ConsumerPlace {
  readonly consumer: ConsumerId;
  readonly name: string;
  readonly position: number;
}

/** Milliseconds to wait for the service, whose transactions take a few. */
const BUSY_TIMEOUT = 5_000;

/**
 * Does something with a journal that is there already, whether a service has it open or not.
 * @param access `read` changes nothing
 * @throws VconOtelError `FILE_UNUSABLE` in a sentence for a person: missing, no journal, of another schema, not readable
 */
export async function withJournalFile<T>(
  path: string,
  access: 'read' | 'write',
  work: (file: JournalFile) => T | Promise<T>,
): Promise<T> {
  let db: DatabaseSync | undefined;
  try {
    db = open(path, access);
    const fault = faultOf(db);
    if (fault) throw new VconOtelError('FILE_UNUSABLE', `${path} ${fault}`);
    return await work({ path, db, steps: 0 });
  } catch (error) {
    throw unusable(path, access, error);
  } finally {
    db?.close();
  }
}

/** Every tracer that the journal has a place for, by name. */
export function consumersOf({ db }: JournalFile): ConsumerPlace[] {
  return db
    .prepare('select consumer, name, position from consumer order by name')
    .all()
    .map(({ consumer, name, position }) => ({
      consumer: Number(consumer),
      name: String(name),
      position: Number(position),
    }));
}

/** The place of a tracer; undefined if it has none. */
export function consumerOf(file: JournalFile, name: string): ConsumerPlace | undefined {
  return consumersOf(file).find((place) => place.name === name);
}

/** Whether a service has the journal open, and so delivers what is queued. */
export function isServed({ path }: JournalFile): boolean {
  return isLocked(path);
}

/**
 * What an operator is told about a journal of another schema; undefined where it is this version's.
 * @param found the file's `user_version`
 */
export function schemaFault(found: number, known: number = SCHEMA_VERSION): string | undefined {
  if (found > known)
    return `has schema ${found}, this version of vcon-otel knows ${known}: use the version that wrote it`;
  // An older service may be writing it at this moment.
  if (found < known)
    return `has schema ${found}, an older one: a service of this version brings it to schema ${known} when it starts`;
  return undefined;
}

/** By a URI that never makes a file. */
function open(path: string, access: 'read' | 'write'): DatabaseSync {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) throw new VconOtelError('FILE_UNUSABLE', `there is no journal ${path}`);
  if (!found.isFile()) throw new VconOtelError('FILE_UNUSABLE', `${path} is not a file`);
  const url = pathToFileURL(resolve(path));
  url.searchParams.set('mode', 'rw');
  const db = new DatabaseSync(url, { timeout: BUSY_TIMEOUT });
  // A connection that is read-only by its mode leaves the write-ahead log lying about.
  if (access === 'read') db.exec('pragma query_only = on');
  // SQLite would not say that a checkpoint of its own has failed.
  else db.exec('pragma synchronous = full; pragma wal_autocheckpoint = 0');
  return db;
}

function faultOf(db: DatabaseSync): string | undefined {
  const id = db.prepare('pragma application_id').get()?.application_id;
  return id === APPLICATION_ID ? schemaFault(versionOf(db)) : 'is no journal';
}

function unusable(path: string, access: 'read' | 'write', error: unknown): unknown {
  if (error instanceof VconOtelError) return error;
  const code = sqliteCode(error);
  const system = errorType(error);
  // What is neither of the file nor of the system is a fault of ours.
  if (code === undefined && !/^E[A-Z]+$/.test(system)) return error;
  const what = code === 'SQLITE_NOTADB' ? 'is no journal' : `cannot be ${WORD[access]} (${code ?? system})`;
  return new VconOtelError('FILE_UNUSABLE', `${path} ${what}`, { cause: error });
}

const WORD = { read: 'read', write: 'written' } as const;
