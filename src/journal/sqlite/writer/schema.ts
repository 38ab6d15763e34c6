import type { DatabaseSync } from 'node:sqlite';
import { VconOtelError } from '../../../model/error.ts';
import type { EntryState } from '../../admin.ts';
import { eventsToPages } from './events-to-pages.ts';
import { inputToBlocks } from './input-to-blocks.ts';

/*
 *  page        the log: events that were stored together (../page.ts), once, however many consumers there are, by the seq of
 *              the first; seq has no gaps when it is given
 *  run         between which seqs the events of a run are; `last` is null while it is under way
 *
 *  consumer ─┬─< delivery   what became of an event at a consumer, where it was not simply heard
 *            └─< heard      what was, 256 events in a row (heard.ts)
 *
 *  input       what receivers have accepted, as it came, and what was decided: entries that were written together
 *              (../input-block.ts), by the place of the first; from input_start on. `after` is the newest event at that time
 *
 *  identity    tells the journal from every other
 *
 * A consumer has settled everything up to its position, and beyond it what it has heard and whatever has a delivery in a
 * final state.
 */

/** What a consumer is called inside the file. */
export type ConsumerId = number;

/** State of a delivery. `failed`: `run` answered `false`, which is a dead letter that stops no chain. */
export type DeliveryState = Exclude<EntryState, 'waiting'> | 'failed';

/** SQL, or what does it. */
type Migration = string | ((db: DatabaseSync) => void);

/** Each step leads from one version of the schema (`user_version`) to the next; the first from an empty file. */
const MIGRATIONS: readonly Migration[] = [
  `
  create table run (
    run       integer primary key,
    run_id    text not null unique,
    chain     text not null,
    vcon_uuid text not null
  );
  create table event (
    seq  integer primary key,
    run  integer not null,
    step text not null,
    time real not null,
    body text not null,
    unique (run, step)
  );
  create table consumer (
    consumer integer primary key,
    name     text not null unique,
    position integer not null
  );
  create table delivery (
    consumer   integer not null,
    seq        integer not null,
    state      text not null,
    attempts   integer not null,
    since      integer not null,
    at         integer not null,
    duration   real not null,
    error_type text,
    primary key (consumer, seq)
  ) without rowid;
  create index delivery_not_ok on delivery (consumer, state, seq) where state <> 'ok';
  `,
  `
  create table inbox (
    id     integer primary key,
    run_id text,
    body   text not null
  );
  create index inbox_of_run on inbox (run_id) where run_id is not null;
  `,
  // Of runs that the inbox spoke of all events are kept; the oldest of them says from where on.
  `
  create table input (
    place integer primary key,
    after integer not null,
    body  text not null
  );
  create table input_start (place integer not null);
  insert into input (place, after, body)
    select id,
      coalesce(
        (select min(seq) - 1 from event join run using (run) where run_id in (select run_id from inbox)),
        (select max(seq) from event),
        0
      ),
      json_object('kind', '0.1', 'run_id', run_id, 'body', body)
    from inbox order by id;
  insert into input_start select coalesce(min(place), 1) from input;
  drop table inbox;
  `,
  `
  create table identity (journal text not null);
  insert into identity values (lower(hex(randomblob(16))));
  `,
  `
  create table heard (
    consumer integer not null,
    block    integer not null,
    marks    blob not null,
    primary key (consumer, block)
  ) without rowid;
  `,
  eventsToPages,
  inputToBlocks,
];

/** The schema that this version of the package writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** SQLite's `application_id` of a journal, by which it is told from another program's database: "vCoJ" in ASCII. */
export const APPLICATION_ID = 0x76436f4a;

/**
 * Brings a journal to the newest schema, each step as a whole or not at all, and to a write-ahead log.
 * @param migrations of a test
 * @throws VconOtelError `FILE_UNUSABLE` for a journal of a newer version of this package, or for a database that is none
 */
export function migrate(db: DatabaseSync, migrations: readonly Migration[] = MIGRATIONS): void {
  const found = versionOf(db);
  const isOurs = numberOf(db, 'application_id') === APPLICATION_ID;
  if (!isOurs && (found > 0 || db.prepare('select 1 from sqlite_master limit 1').get()))
    throw new VconOtelError('FILE_UNUSABLE', 'the file is a database, but no journal');
  if (found > migrations.length)
    throw new VconOtelError(
      'FILE_UNUSABLE',
      `the journal has schema ${found}, this version of vcon-otel knows ${migrations.length}: use the newer version that wrote it`,
    );
  // Only now: what is another program's is not touched.
  db.exec('pragma journal_mode = wal');
  for (const [index, migration] of migrations.entries()) {
    if (index < found) continue;
    db.exec('begin immediate');
    try {
      if (typeof migration === 'string') db.exec(migration);
      else migration(db);
      db.exec(`pragma application_id = ${APPLICATION_ID}; pragma user_version = ${index + 1}`);
      db.exec('commit');
    } catch (error) {
      if (db.isTransaction) db.exec('rollback');
      throw error;
    }
  }
}

/** The schema that a file has; 0 for an empty one. */
export function versionOf(db: DatabaseSync): number {
  return numberOf(db, 'user_version');
}

function numberOf(db: DatabaseSync, pragma: 'user_version' | 'application_id'): number {
  return Number(db.prepare(`pragma ${pragma}`).get()?.[pragma] ?? 0);
}
