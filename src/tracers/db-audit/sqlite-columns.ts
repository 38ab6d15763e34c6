import type { DatabaseSync } from 'node:sqlite';
import type { Column } from './layout.ts';

const COLUMNS = `SELECT name, "notnull" AND dflt_value IS NULL AS isRequired,
  pk = 1 AND NOT EXISTS (SELECT 1 FROM pragma_table_info(:table) WHERE pk > 1) AS isOnlyKey,
  EXISTS (SELECT 1 FROM pragma_index_list(:table) AS list JOIN pragma_index_info(list.name) AS part
    WHERE part.name = info.name AND part.seqno = 0 AND NOT list.partial AND list."unique"
      AND NOT EXISTS (SELECT 1 FROM pragma_index_info(list.name) WHERE seqno > 0)) AS isUnique,
  EXISTS (SELECT 1 FROM pragma_index_list(:table) AS list JOIN pragma_index_info(list.name) AS part
    WHERE part.name = info.name AND part.seqno = 0 AND NOT list.partial) AS isIndexed
  FROM pragma_table_info(:table) AS info`;

/** The columns of a table; none if it is not there. */
export function sqliteColumns(database: DatabaseSync, table: string): Column[] {
  return database
    .prepare(COLUMNS)
    .all({ table })
    .map(({ name, isRequired, isOnlyKey, isUnique, isIndexed }) => ({
      name: String(name),
      isRequired: isRequired === 1,
      isKey: isOnlyKey === 1 || isUnique === 1,
      isIndexed: isIndexed === 1,
      mayInsert: true,
      maySelect: true,
    }));
}
