import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const SCHEMA_1 = readFileSync(join(import.meta.dirname, '../journal/fixtures/schema-1.sql'), 'utf8');

/**
 * Makes a journal as the first released version left it.
 * @param copies how often its runs follow once more, heard by nobody
 */
export function journalOf1(path: string, copies = 0): string {
  const db = new DatabaseSync(path);
  db.exec(`pragma journal_mode = wal; ${SCHEMA_1}`);
  db.prepare(
    `with recursive copy (n) as (select 1 union all select n + 1 from copy where n < ?)
     insert into run select run + 6 * n, run_id || n, chain, vcon_uuid from run join copy where ? > 0`,
  ).run(copies, copies);
  db.prepare(
    `with recursive copy (n) as (select 1 union all select n + 1 from copy where n < ?)
     insert into event select seq + 48 * n, run + 6 * n, step, time, body from event join copy where ? > 0`,
  ).run(copies, copies);
  db.close();
  return path;
}

/** Everything that is in a journal, and its schema, in short. */
export function contentOf(path: string): string {
  const db = new DatabaseSync(path, { readOnly: true });
  const hash = createHash('sha256');
  const tables = db
    .prepare("select name, type, sql from sqlite_master where name not like 'sqlite_%' order by name")
    .all();
  hash.update(JSON.stringify([versionOf(path), tables]));
  for (const { name: table, type } of tables)
    if (type === 'table')
      for (const row of db.prepare(`select * from ${table} order by 1`).iterate())
        hash.update(JSON.stringify(row));
  db.close();
  return hash.digest('hex');
}

/** The schema that a journal has. */
export function versionOf(path: string): number {
  const db = new DatabaseSync(path, { readOnly: true });
  const version = db.prepare('pragma user_version').get()?.user_version;
  db.close();
  return Number(version);
}

/** How many attempts there were at the events that are in a state, by consumer and seq. */
export function attemptsIn(path: string, state: 'retry' | 'ok'): Map<string, number> {
  const db = new DatabaseSync(path, { readOnly: true });
  const rows = db
    .prepare(`select consumer || ' ' || seq as delivery, attempts from delivery where state = ?`)
    .all(state);
  db.close();
  return new Map(rows.map(({ delivery, attempts }) => [String(delivery), Number(attempts)]));
}
