import type { Client } from 'pg';
import type { PostgresTarget } from './options.ts';
import { type Connection, connect, end, readCertificates } from './postgres-connection.ts';
import type { AuditRecord, AuditTable } from './record.ts';
import { isTableGone, postgresFailure } from './sql-failure.ts';

/**
 * A table in PostgreSQL, made where it is missing. The connection is made when the first rows come, and anew after it was lost.
 * @param name the tracer's, for errors
 * @throws VconOtelError `FILE_UNUSABLE` where `ssl_ca_file` cannot be read
 */
export function postgresTable(target: PostgresTarget, name: string): AuditTable {
  return new PostgresTable(target, readCertificates(target, name));
}

class PostgresTable implements AuditTable {
  readonly #target: PostgresTarget;
  readonly #certificates: string | undefined;
  readonly #table: TableName;
  #connection: Connection | undefined;

  constructor(target: PostgresTarget, certificates: string | undefined) {
    this.#target = target;
    this.#certificates = certificates;
    this.#table = tableName(target.table);
  }

  async insert(records: readonly AuditRecord[]): Promise<void> {
    try {
      const connection = await this.#connected();
      // One parameter however many rows. No prepared statement: a connection pool in between may not have it.
      await connection.client.query(insertInto(this.#table.sql), [JSON.stringify(records)]);
    } catch (error) {
      const failure = postgresFailure(error);
      // What the server is, and what it has, is looked at anew.
      if (!failure.permanent || isTableGone(failure)) await this.close();
      throw failure;
    }
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection) await end(connection);
  }

  async #connected(): Promise<Connection> {
    if (this.#connection && !this.#connection.isLost) return this.#connection;
    const connection = await connect(this.#target, this.#certificates);
    try {
      await makeTable(connection.client, this.#table);
    } catch (error) {
      await end(connection);
      throw error;
    }
    this.#connection = connection;
    return connection;
  }
}

/** A table's name, taken apart. */
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

function insertInto(table: string): string {
  return `INSERT INTO ${table} (event_id, vcon_uuid, event, "timestamp", metadata)
    SELECT event_id, vcon_uuid, event, "timestamp", metadata FROM json_to_recordset($1::json)
      AS r(event_id text, vcon_uuid text, event text, "timestamp" timestamptz, metadata jsonb)
    ON CONFLICT (event_id) DO NOTHING`;
}

/**
 * Only where it is not there: a user who may do no more than insert must not be asked for more. The lock keeps two processes
 * that start together from making it twice, which `IF NOT EXISTS` alone does not.
 */
async function makeTable(client: Client, { schema, name, sql }: TableName): Promise<void> {
  if (await isTrue(client, 'SELECT to_regclass($1) IS NOT NULL AS yes', [sql])) return;
  await client.query('BEGIN');
  await client.query("SELECT pg_advisory_xact_lock(hashtext('vcon-otel db_audit'))");
  // Read from the catalog, because `to_regclass` does not see what was made while this one waited.
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
