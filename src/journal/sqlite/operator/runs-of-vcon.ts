import { VconOtelError } from '../../../model/error.ts';
import type { JournalFile } from './journal-file.ts';

/** The runs, by their number in the file, that a vCon entered, left or passed through. */
export function runsOfVcon({ db }: JournalFile, uuid: string): number[] {
  return db
    .prepare(
      `select run from run where vcon_uuid = ?
       union select run from event where instr(body, ?) > 0 or instr(body, ?) > 0`,
    )
    .all(uuid, `"out":${JSON.stringify(uuid)}`, `"in":${JSON.stringify(uuid)}`)
    .map(({ run }) => Number(run));
}

/**
 * The uuid of the one vCon whose uuid begins like this, in capitals or not; undefined where there is none.
 * @throws VconOtelError `OPTIONS_INVALID` where there are several
 */
export function vconBeginning({ db }: JournalFile, beginning: string): string | undefined {
  const like = `${beginning.replaceAll(/[\\%_]/g, '\\$&')}%`;
  const found = db
    .prepare(
      `select distinct uuid from (
         select vcon_uuid as uuid from run
         union all select body ->> 'out' from event where body like ? escape '\\'
         union all select body ->> 'in' from event where body like ? escape '\\'
       ) where uuid like ? escape '\\' limit 2`,
    )
    .all(`%"out":"${like}`, `%"in":"${like}`, like);
  if (found.length > 1)
    throw new VconOtelError('OPTIONS_INVALID', 'More than one vCon begins like this: give more of its uuid', {
      path: '--vcon',
    });
  return found[0] && String(found[0].uuid);
}
