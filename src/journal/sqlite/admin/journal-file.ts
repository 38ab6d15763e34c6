import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import type { Clock } from '../../../model/clock.ts';
import { errorType, VconOtelError } from '../../../model/error.ts';
import { sqliteCode } from '../../../persistence/sqlite-error.ts';
import { isLocked } from '../writer/lock.ts';
import { Pages } from '../writer/pages.ts';
import type { ConsumerId } from '../writer/schema.ts';
import { APPLICATION_ID, SCHEMA_VERSION, versionOf } from '../writer/schema.ts';
import { Statements } from '../writer/statements.ts';

/** A journal that is open to an operator. */
export interface JournalFile {
  readonly path: string;
  readonly db: DatabaseSync;
  readonly sql: Statements;
  readonly pages: Pages;
  readonly clock: Clock;
  /** Transactions that were made here since the write-ahead log was worked into the file. */
  steps: number;
}

/** A tracer, as the journal knows it: it has settled everything up to its position. */
export interface StoredConsumer {
  readonly consumer: ConsumerId;
  readonly name: string;
  readonly position: number;
}

/** Milliseconds to wait for the service, whose transactions take a few. */
const BUSY_TIMEOUT = 5_000;

/** `read` changes nothing. */
export type Access = 'read' | 'write';

/**
 * Opens a journal that is there already, whether a service has it open or not.
 * @throws VconOtelError `FILE_UNUSABLE` in a sentence for a person: missing, no journal, of another schema, not readable
 */
export function openJournalFile(path: string, access: Access, clock: Clock): JournalFile {
  return explained(path, access, () => {
    const db = open(path, access);
    const fault = faultOf(db);
    const sql = new Statements(db);
    if (!fault) return { path, db, sql, pages: new Pages(sql), clock, steps: 0 };
    db.close();
    throw new VconOtelError('FILE_UNUSABLE', `${path} ${fault}`);
  });
}

/** As {@link openJournalFile}, to do something with it and close it. */
export async function withJournalFile<T>(
  path: string,
  access: Access,
  clock: Clock,
  work: (file: JournalFile) => T | Promise<T>,
): Promise<T> {
  const file = openJournalFile(path, access, clock);
  try {
    return await work(file);
  } catch (error) {
    throw unusable(path, access, error);
  } finally {
    file.db.close();
  }
}

/** Does something with a journal's file. @throws VconOtelError `FILE_UNUSABLE` for what is the file's fault */
function explained<T>(path: string, access: Access, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw unusable(path, access, error);
  }
}

/** Every tracer that has a position in the journal, by name. */
export function consumersOf({ db }: JournalFile): StoredConsumer[] {
  return db
    .prepare('select consumer, name, position from consumer order by name')
    .all()
    .map(({ consumer, name, position }) => ({
      consumer: Number(consumer),
      name: String(name),
      position: Number(position),
    }));
}

/** A tracer with its position; undefined if it has none. */
export function consumerOf(file: JournalFile, name: string): StoredConsumer | undefined {
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
function open(path: string, access: Access): DatabaseSync {
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

/** An error in a sentence for a person, where it is the file's or the system's. */
export function unusable(path: string, access: Access, error: unknown): unknown {
  if (error instanceof VconOtelError) return error;
  const code = sqliteCode(error);
  const system = errorType(error);
  // What is neither of the file nor of the system is a fault of ours.
  if (code === undefined && !/^E[A-Z]+$/.test(system)) return error;
  const what = code === 'SQLITE_NOTADB' ? 'is no journal' : `cannot be ${WORD[access]} (${code ?? system})`;
  return new VconOtelError('FILE_UNUSABLE', `${path} ${what}`, { cause: error });
}

const WORD = { read: 'read', write: 'written' } as const;
