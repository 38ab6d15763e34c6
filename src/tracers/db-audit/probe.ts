import { existsSync, statSync } from 'node:fs';
import type { Client } from 'pg';
import { VconOtelError } from '../../model/error.ts';
import { type Finding, ok, problem } from '../../model/finding.ts';
import { fileObstacle } from '../../persistence/obstacle.ts';
import { sqliteCode } from '../../persistence/sqlite-error.ts';
import { postgresFindings, sqliteFindings } from './layout.ts';
import type { PostgresTarget, SqliteTarget, Target } from './options.ts';
import { tableName } from './postgres.ts';
import { postgresColumns } from './postgres-columns.ts';
import { connectToPostgres, end, readCertificates } from './postgres-connection.ts';
import { postgresFailure } from './sql-failure.ts';
import { sqliteColumns } from './sqlite-columns.ts';

/** Looks whether rows could be written, without writing one. @param name the tracer's, for errors */
export async function probe(target: Target, name: string, timeout: number): Promise<readonly Finding[]> {
  return target.driver === 'sqlite' ? lookAtFile(target, timeout) : lookAtServer(target, name, timeout);
}

async function lookAtFile({ path, table }: SqliteTarget, timeout: number): Promise<Finding[]> {
  const obstacle = fileObstacle(path);
  if (obstacle !== undefined)
    return [problem(`${path} cannot be written (${obstacle})`, 'name a database file that can be written')];
  if (!existsSync(path) || statSync(path).size === 0) return [ok(`${path} is created with the first row`)];
  return [ok(`${path} can be written`), ...(await lookIntoFile(path, table, timeout))];
}

async function lookIntoFile(path: string, table: string, timeout: number): Promise<Finding[]> {
  // On Node 22 the mere import prints a warning.
  const { DatabaseSync } = await import('node:sqlite');
  try {
    const database = new DatabaseSync(path, { readOnly: true, timeout });
    try {
      const columns = sqliteColumns(database, table);
      return columns.length > 0 ? sqliteFindings(table, columns) : [];
    } finally {
      database.close();
    }
  } catch (error) {
    return [problem(`${path} cannot be read as a database (${sqliteCode(error)})`, 'name another file')];
  }
}

async function lookAtServer(
  target: PostgresTarget,
  name: string,
  timeout: number,
): Promise<readonly Finding[]> {
  const place = `PostgreSQL at ${target.host} port ${target.port}`;
  try {
    const connection = await connectToPostgres(target, readCertificates(target, name), timeout);
    try {
      return [ok(`${place} lets ${target.user} in`), ...(await lookAtTable(connection.client, target))];
    } finally {
      await end(connection);
    }
  } catch (error) {
    if (error instanceof VconOtelError) return [problem(error.message, 'check ssl_ca_file')];
    const { code } = postgresFailure(error);
    return [
      problem(`${place} cannot be used (${code})`, ADVICE[code] ?? 'check that it runs and can be reached'),
    ];
  }
}

/** By PostgreSQL's SQLSTATE (its appendix A). */
const ADVICE: Readonly<Record<string, string>> = {
  SQLSTATE_28P01: 'check user and password',
  SQLSTATE_28000: "check user and password, and the server's pg_hba.conf",
  SQLSTATE_3D000: 'there is no such database: create it, or check its name',
};

/** Whether the table could be made. */
const MAY_CREATE = `SELECT CASE WHEN s.oid IS NULL THEN has_database_privilege(current_database(), 'CREATE')
       ELSE has_schema_privilege(s.oid, 'CREATE') END AS yes
  FROM (SELECT to_regnamespace(coalesce($1, current_schema()))::oid AS oid) s`;

async function lookAtTable(client: Client, { table, user }: PostgresTarget): Promise<Finding[]> {
  await client.query('SET default_transaction_read_only = on');
  const { schema, sql } = tableName(table);
  const columns = await postgresColumns(client, sql);
  if (columns.length > 0) return postgresFindings(table, columns, user);
  const { rows } = await client.query<{ yes: boolean }>(MAY_CREATE, [schema]);
  return rows[0]?.yes
    ? [ok(`its table ${table} is created with the first row`)]
    : [
        problem(
          `there is no table ${table}, and ${user} may not create it`,
          'create the table, or grant CREATE on its schema',
        ),
      ];
}
