import { diag } from '@opentelemetry/api';
import type { Client } from 'pg';
import { type Layout, layoutOf, postgresFindings } from './layout.ts';
import type { PostgresTarget } from './options.ts';
import { postgresColumns } from './postgres-columns.ts';
import { connectToPostgres, end, type PostgresConnection, readCertificates } from './postgres-connection.ts';
import { type AuditRecord, type AuditTable, withIdInside } from './record.ts';
import { isTableGone, postgresFailure } from './sql-failure.ts';

/**
 * A table in PostgreSQL, created if it is missing. The connection is made when the first rows come, and again after it was lost.
 * @param name the tracer's, for errors
 * @throws VconOtelError `FILE_UNUSABLE` if `ssl_ca_file` cannot be read
 */
export function postgresTable(target: PostgresTarget, name: string): AuditTable {
  return new PostgresTable(target, name, readCertificates(target, name));
}

const log = diag.createComponentLogger({ namespace: 'vcon-otel/db_audit' });

class PostgresTable implements AuditTable {
  readonly #target: PostgresTarget;
  readonly #certificates: string | undefined;
  readonly #table: TableName;
  readonly #name: string;
  #connection: PostgresConnection | undefined;
  #layout: Layout = { hasId: true, repeats: 'by_id' };
  /** What was said of the table already, so that a connection that is made anew does not say it again. */
  readonly #said = new Set<string>();

  constructor(target: PostgresTarget, name: string, certificates: string | undefined) {
    this.#target = target;
    this.#name = name;
    this.#certificates = certificates;
    this.#table = tableName(target.table);
  }

  async insert(records: readonly AuditRecord[]): Promise<void> {
    try {
      const connection = await this.#connected();
      // One parameter however many rows. No prepared statement: a connection pool in between may not have it.
      const rows = this.#layout.hasId ? records : records.map(withIdInside);
      await connection.client.query(insertInto(this.#table.sql, this.#layout), [JSON.stringify(rows)]);
    } catch (error) {
      const failure = postgresFailure(error);
      // A new connection checks anew which server it is and what it has.
      if (!failure.permanent || isTableGone(failure)) await this.close();
      throw failure;
    }
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection) await end(connection);
  }

  async #connected(): Promise<PostgresConnection> {
    if (this.#connection && !this.#connection.isLost) return this.#connection;
    const connection = await connectToPostgres(this.#target, this.#certificates);
    try {
      await makeTable(connection.client, this.#table);
      await this.#look(connection.client);
    } catch (error) {
      await end(connection);
      throw error;
    }
    this.#connection = connection;
    return connection;
  }

  /** A table that somebody else has made may lack what repeats are recognised by. */
  async #look(client: Client): Promise<void> {
    const { table, user } = this.#target;
    const columns = await postgresColumns(client, this.#table.sql);
    this.#layout = layoutOf(columns);
    for (const { state, text, advice = '' } of postgresFindings(table, columns, user)) {
      if (state === 'ok' || this.#said.has(text)) continue;
      this.#said.add(text);
      log.warn(`tracers.${this.#name}: ${text}; ${advice}`);
    }
  }
}

/** A table's name in its parts. */
export interface TableName {
  readonly schema: string | undefined;
  readonly name: string;
  /** Both, quoted. */
  readonly sql: string;
}

/** @param table checked before: nothing in it has to be escaped */
export function tableName(table: string): TableName {
  const [name = '', schema] = table.split('.').reverse();
  return { schema, name, sql: schema === undefined ? `"${name}"` : `"${schema}"."${name}"` };
}

/** Values take the types of the columns, whatever these are: a uuid, a text, a time without a zone. */
function insertInto(table: string, { hasId, repeats }: Layout): string {
  const columns = [...(hasId ? ['event_id'] : []), 'vcon_uuid', 'event', '"timestamp"', 'metadata'].join(
    ', ',
  );
  const insert = `INSERT INTO ${table} (${columns})
    SELECT ${columns} FROM json_populate_recordset(NULL::${table}, $1::json) AS given`;
  if (repeats === 'by_id') return `${insert} ON CONFLICT (event_id) DO NOTHING`;
  // Not by the id, so that `metadata` may be of any type.
  return repeats === 'unknown'
    ? insert
    : `${insert} WHERE NOT EXISTS (SELECT FROM ${table} AS kept WHERE kept.vcon_uuid = given.vcon_uuid
        AND kept."timestamp" = given."timestamp" AND kept.event = given.event
        AND kept.metadata::text = given.metadata::text)`;
}

/**
 * Only if it is missing: a user who may only insert must not need more rights. The lock keeps two processes that start
 * together from creating it twice, which `IF NOT EXISTS` alone does not.
 */
async function makeTable(client: Client, { schema, name, sql }: TableName): Promise<void> {
  if (await isTrue(client, 'SELECT to_regclass($1) IS NOT NULL AS yes', [sql])) return;
  await client.query('BEGIN');
  await client.query("SELECT pg_advisory_xact_lock(hashtext('vcon-otel db_audit'))");
  // Read from the catalog, because `to_regclass` does not see what was created while this statement waited.
  if (!(await isTrue(client, MADE_MEANWHILE, [name, schema]))) {
    if (schema !== undefined) await client.query(`CREATE SCHEMA IF NOT EXISTS "${schema}"`);
    await client.query(`
      CREATE TABLE ${sql} (
        event_id text PRIMARY KEY,
        vcon_uuid text NOT NULL,
        event text NOT NULL,
        "timestamp" timestamptz NOT NULL,
        metadata jsonb NOT NULL
      );
      CREATE INDEX ON ${sql} (vcon_uuid, "timestamp");
      CREATE INDEX ON ${sql} ("timestamp") WHERE event IN ('chain_error', 'link_error', 'storage_error')`);
  }
  await client.query('COMMIT');
}

const MADE_MEANWHILE = `SELECT EXISTS (
  SELECT FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
  WHERE relname = $1 AND nspname = coalesce($2, current_schema())) AS yes`;

async function isTrue(client: Client, question: string, values: (string | undefined)[]): Promise<boolean> {
  const { rows } = await client.query<{ yes: boolean }>(question, values);
  return rows[0]?.yes === true;
}
