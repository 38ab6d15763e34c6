import { existsSync } from 'node:fs';
import type { Client } from 'pg';
import { VconOtelError } from '../../model/error.ts';
import { type Finding, fault, ok } from '../../model/finding.ts';
import { fileObstacle } from '../../model/obstacle.ts';
import type { PostgresTarget, SqliteTarget, Target } from './options.ts';
import { tableName } from './postgres.ts';
import { connect, end, readCertificates } from './postgres-connection.ts';
import { postgresFailure } from './sql-failure.ts';

/** Looks whether rows could be written, without writing one. @param name the tracer's, for errors */
export async function probe(target: Target, name: string, timeout: number): Promise<readonly Finding[]> {
  return target.driver === 'sqlite' ? [lookAtFile(target)] : lookAtServer(target, name, timeout);
}

function lookAtFile({ path }: SqliteTarget): Finding {
  const obstacle = fileObstacle(path);
  if (obstacle !== undefined)
    return fault(`${path} cannot be written (${obstacle})`, 'give the database a place that can be written');
  return ok(existsSync(path) ? `${path} can be written` : `${path} is made with the first row`);
}

async function lookAtServer(
  target: PostgresTarget,
  name: string,
  timeout: number,
): Promise<readonly Finding[]> {
  const place = `PostgreSQL at ${target.host} port ${target.port}`;
  try {
    const connection = await connect(target, readCertificates(target, name), timeout);
    try {
      return [ok(`${place} lets ${target.user} in`), await lookAtTable(connection.client, target)];
    } finally {
      await end(connection);
    }
  } catch (error) {
    if (error instanceof VconOtelError) return [fault(error.message, 'look at ssl_ca_file')];
    const { code } = postgresFailure(error);
    return [
      fault(`${place} cannot be used (${code})`, ADVICE[code] ?? 'see that it runs and can be reached'),
    ];
  }
}

/** By PostgreSQL's SQLSTATE (its appendix A). */
const ADVICE: Readonly<Record<string, string>> = {
  SQLSTATE_28P01: 'look at user and password',
  SQLSTATE_28000: 'look at user and password, and at pg_hba.conf of the server',
  SQLSTATE_3D000: 'there is no such database: make it, or look at its name',
};

interface Rights {
  readonly is_there: boolean;
  readonly may_insert: boolean;
  readonly may_create: boolean;
}

/** What an insert with `ON CONFLICT (event_id)` needs, or the making of the table. */
const RIGHTS = `SELECT t.oid IS NOT NULL AS is_there,
  coalesce(has_table_privilege(t.oid, 'INSERT') AND has_column_privilege(t.oid, 'event_id', 'SELECT'), false) AS may_insert,
  CASE WHEN s.oid IS NULL THEN has_database_privilege(current_database(), 'CREATE')
       ELSE has_schema_privilege(s.oid, 'CREATE') END AS may_create
  FROM (SELECT to_regclass($1)::oid AS oid) t, (SELECT to_regnamespace(coalesce($2, current_schema()))::oid AS oid) s`;

async function lookAtTable(client: Client, { table, user }: PostgresTarget): Promise<Finding> {
  await client.query('SET default_transaction_read_only = on');
  const { schema, sql } = tableName(table);
  const { rows } = await client.query<Rights>(RIGHTS, [sql, schema]);
  const [rights] = rows;
  if (rights?.is_there)
    return rights.may_insert
      ? ok(`rows can be written to its table ${table}`)
      : fault(
          `${user} may not write to the table ${table}`,
          `GRANT INSERT, SELECT (event_id) ON ${table} TO the user`,
        );
  return rights?.may_create
    ? ok(`its table ${table} is made with the first row`)
    : fault(
        `there is no table ${table}, and ${user} may not make it`,
        'make the table, or grant CREATE on its schema',
      );
}
