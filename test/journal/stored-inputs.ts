import type { DatabaseSync } from 'node:sqlite';
import { bodiesOf } from '../../src/journal/sqlite/input-block.ts';

/** The entries of the input log in a journal's file that are needed still. */
export function storedInputs(db: DatabaseSync): Uint8Array[] {
  const start = Number(db.prepare('select place from input_start').get()?.place);
  return db
    .prepare('select place, last, block from input order by place')
    .all()
    .flatMap(({ place, last, block }) => {
      const bodies = bodiesOf(block as Uint8Array, Number(last) - Number(place) + 1);
      return bodies.slice(Math.max(0, start - Number(place)));
    })
    .map((body = new Uint8Array()) => body);
}
