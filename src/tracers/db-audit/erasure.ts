import { existsSync } from 'node:fs';
import type { Client } from 'pg';
import type { ErasedVcon, Mention } from '../../model/erasure.ts';
import { VconOtelError } from '../../model/error.ts';
import { sqliteCode } from '../../persistence/sqlite-error.ts';
import type { PostgresTarget, SqliteTarget, Target } from './options.ts';
import { tableName } from './postgres.ts';
import { connectToPostgres, end, readCertificates } from './postgres-connection.ts';
import { postgresFailure } from './sql-failure.ts';
import { sqliteColumns } from './sqlite-columns.ts';

/** Rows that name a vCon: as their own, or in `metadata` as what entered the step. @throws VconOtelError `FILE_UNUSABLE` */
export async function mentions(target: Target, vcon: ErasedVcon): Promise<readonly Mention[]> {
  const count =
    target.driver === 'sqlite' ? await countInFile(target, vcon) : await countOnServer(target, vcon);
  return [{ what: 'rows', count }];
}

/** Puts a pseudonym in the place of the uuid: the trail keeps its rows. @throws VconOtelError `FILE_UNUSABLE` */
export async function erase(target: Target, vcon: ErasedVcon, pseudonym: string): Promise<void> {
  if (target.driver === 'sqlite') await eraseInFile(target, vcon, pseudonym);
  else await eraseOnServer(target, vcon, pseudonym);
}

/** Milliseconds that a statement may take: nothing says by an index what is in `metadata`. */
const PATIENCE = 600_000;

async function countInFile({ path, table }: SqliteTarget, { spellings }: ErasedVcon): Promise<number> {
  const among = spellings.map(() => '?').join(', ');
  const inside = spellings.map(() => 'instr(metadata, ?) > 0').join(' OR ');
  const sql = `SELECT count(*) AS rows FROM "${table}" WHERE vcon_uuid IN (${among}) OR ${inside}`;
  return withFile(path, table, true, (database) =>
    Number(database.prepare(sql).get(...spellings, ...spellings)?.rows),
  );
}

async function eraseInFile(
  { path, table }: SqliteTarget,
  { spellings }: ErasedVcon,
  pseudonym: string,
): Promise<void> {
  await withFile(path, table, false, (database) => {
    // What is written over is gone from the file, too.
    database.exec('PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; BEGIN IMMEDIATE');
    const own = database.prepare(`UPDATE "${table}" SET vcon_uuid = ? WHERE vcon_uuid = ?`);
    const inside = database.prepare(
      `UPDATE "${table}" SET metadata = replace(metadata, ?, ?) WHERE instr(metadata, ?) > 0`,
    );
    for (const uuid of spellings) {
      own.run(pseudonym, uuid);
      inside.run(uuid, pseudonym, uuid);
    }
    database.exec('COMMIT; VACUUM');
    database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get();
    return 0;
  });
}

/** @returns 0 where there is no such file or table */
async function withFile(
  path: string,
  table: string,
  readOnly: boolean,
  work: (database: import('node:sqlite').DatabaseSync) => number,
): Promise<number> {
  if (!existsSync(path)) return 0;
  // On Node 22 the mere import prints a warning.
  const { DatabaseSync } = await import('node:sqlite');
  try {
    const database = new DatabaseSync(path, { readOnly, timeout: 5_000 });
    try {
      return sqliteColumns(database, table).length > 0 ? work(database) : 0;
    } finally {
      database.close();
    }
  } catch (cause) {
    const access = readOnly ? 'read' : 'written';
    throw new VconOtelError('FILE_UNUSABLE', `${path} cannot be ${access} (${sqliteCode(cause)})`, { cause });
  }
}

async function countOnServer(target: PostgresTarget, { name, spellings }: ErasedVcon): Promise<number> {
  return withServer(target, name, async (client, table) => {
    // The type of the column is its own: text, or uuid.
    const { rows } = await client.query<{ rows: string }>(
      `SELECT count(*) AS rows FROM ${table} WHERE vcon_uuid = ANY($1)
         OR EXISTS (SELECT FROM unnest($2::text[]) AS uuid WHERE strpos(metadata::text, uuid) > 0)`,
      [spellings, spellings],
    );
    return Number(rows[0]?.rows);
  });
}

async function eraseOnServer(
  target: PostgresTarget,
  { name, spellings }: ErasedVcon,
  pseudonym: string,
): Promise<void> {
  await withServer(target, name, async (client, table) => {
    const type = await typeOfMetadata(client, table);
    await client.query('BEGIN');
    await client.query(`UPDATE ${table} SET vcon_uuid = $1 WHERE vcon_uuid = ANY($2)`, [
      pseudonym,
      spellings,
    ]);
    for (const uuid of spellings)
      await client.query(
        `UPDATE ${table} SET metadata = replace(metadata::text, $1::text, $2::text)::${type}
           WHERE strpos(metadata::text, $1::text) > 0`,
        [uuid, pseudonym],
      );
    await client.query('COMMIT');
    return 0;
  });
}

/** The type of the column as PostgreSQL itself writes it. */
async function typeOfMetadata(client: Client, table: string): Promise<string> {
  const { rows } = await client.query<{ type: string }>(
    `SELECT format_type(atttypid, atttypmod) AS type FROM pg_catalog.pg_attribute
       WHERE attrelid = to_regclass($1)::oid AND attname = 'metadata' AND NOT attisdropped`,
    [table],
  );
  return rows[0]?.type ?? 'text';
}

/** @returns 0 where there is no such table. @throws VconOtelError `FILE_UNUSABLE`, which says by its code why */
async function withServer(
  target: PostgresTarget,
  name: string,
  work: (client: Client, table: string) => Promise<number>,
): Promise<number> {
  const certificates = readCertificates(target, name);
  const place = `PostgreSQL at ${target.host} port ${target.port}`;
  try {
    const connection = await connectToPostgres(target, certificates, PATIENCE);
    try {
      const { sql } = tableName(target.table);
      const { rows } = await connection.client.query('SELECT to_regclass($1) IS NOT NULL AS yes', [sql]);
      return rows[0]?.yes ? await work(connection.client, sql) : 0;
    } finally {
      await end(connection);
    }
  } catch (cause) {
    const { code } = postgresFailure(cause);
    const why =
      code === 'SQLSTATE_42501'
        ? `${target.user} may not read and change rows of ${target.table}: name, in a copy of the configuration, a user with SELECT and UPDATE on it`
        : `${place} cannot be used (${code})`;
    throw new VconOtelError('FILE_UNUSABLE', why, { cause });
  }
}
