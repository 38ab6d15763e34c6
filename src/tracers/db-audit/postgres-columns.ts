import type { Client } from 'pg';
import type { Column } from './layout.ts';

/** By PostgreSQL's catalogues, which everybody may read. */
const COLUMNS = `SELECT attname AS "name",
  attnotnull AND NOT atthasdef AND attidentity = '' AS "isRequired",
  EXISTS (SELECT FROM pg_catalog.pg_index WHERE indrelid = attrelid AND indkey[0] = attnum
    AND indisvalid AND indpred IS NULL AND indisunique AND indnkeyatts = 1) AS "isKey",
  EXISTS (SELECT FROM pg_catalog.pg_index WHERE indrelid = attrelid AND indkey[0] = attnum
    AND indisvalid AND indpred IS NULL) AS "isIndexed",
  has_column_privilege(attrelid, attnum, 'INSERT') AS "mayInsert",
  has_column_privilege(attrelid, attnum, 'SELECT') AS "maySelect"
  FROM pg_catalog.pg_attribute WHERE attrelid = to_regclass($1)::oid AND attnum > 0 AND NOT attisdropped`;

/**
 * The columns of a table; none if it is not there.
 * @param table quoted
 */
export async function postgresColumns(client: Client, table: string): Promise<readonly Column[]> {
  return (await client.query<Column>(COLUMNS, [table])).rows;
}
