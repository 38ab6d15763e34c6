import type { DatabaseSync } from 'node:sqlite';
import { blockOf } from '../input-block.ts';
import { InputBlocks } from './input-blocks.ts';
import { Statements } from './statements.ts';

/** Bytes of a block that is made here, and the most entries. */
const BLOCK = 1_048_576;
const ENTRIES = 1_000;

/** The input log had a row of text for each entry: makes blocks of them. */
export function inputToBlocks(db: DatabaseSync): void {
  db.exec(`
    alter table input rename to input_of_rows;
    create table input (
      place integer primary key,
      last  integer not null,
      after integer not null,
      block blob not null
    );
  `);
  const log = new InputBlocks(new Statements(db));
  let bodies: Uint8Array[] = [];
  let size = 0;
  let [place, after] = [0, 0];
  const add = (): void => {
    if (bodies.length > 0) log.append({ place, count: bodies.length, block: blockOf(bodies) }, after);
    bodies = [];
    size = 0;
  };
  for (const row of db.prepare('select place, after, body from input_of_rows order by place').iterate()) {
    const isNext = Number(row.place) === place + bodies.length && Number(row.after) === after;
    if (!isNext || size >= BLOCK || bodies.length === ENTRIES) add();
    if (bodies.length === 0) [place, after] = [Number(row.place), Number(row.after)];
    const body = Buffer.from(String(row.body));
    bodies.push(body);
    size += body.byteLength;
  }
  add();
  db.exec('drop table input_of_rows');
}
