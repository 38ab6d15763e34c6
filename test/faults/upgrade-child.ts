import { DatabaseSync } from 'node:sqlite';
import { migrate, SCHEMA_VERSION } from '../../src/journal/sqlite/writer/schema.ts';

// Migrates a journal to a schema that is to come, and is killed at one of its statements.

/** Statements of a migration. */
const STATEMENTS = [
  'alter table page add column events integer not null default 0',
  'update page set events = last - first + 1',
  'create table letter (consumer integer not null, seq integer not null, why text, primary key (consumer, seq)) without rowid',
  `insert into letter select consumer, seq, error_type from delivery where state in ('dead', 'failed')`,
  `delete from delivery where state in ('dead', 'failed')`,
  'drop index delivery_not_ok',
];

/** Where it can be cut off: before each statement, and before it is committed. */
export const PLACES = STATEMENTS.length + 1;

/**
 * Migrates a journal.
 * @param reached told of each place
 */
export function migrateTo2(path: string, reached: (place: number) => void): void {
  const db = new DatabaseSync(path);
  try {
    db.function('reached', (place) => {
      reached(Number(place));
      return null;
    });
    // Much of it is in the write-ahead log before it is committed.
    db.exec('pragma cache_size = 10');
    const migration = STATEMENTS.map((sql, place) => `select reached(${place}); ${sql};`);
    const steps = Array.from({ length: SCHEMA_VERSION }, () => '');
    migrate(db, [...steps, `${migration.join('\n')} select reached(${STATEMENTS.length});`]);
  } finally {
    db.close();
  }
}

if (import.meta.main) {
  const [path = '', place] = process.argv.slice(2);
  migrateTo2(path, (reached) => {
    if (reached === Number(place)) process.kill(process.pid, 'SIGKILL');
  });
}
