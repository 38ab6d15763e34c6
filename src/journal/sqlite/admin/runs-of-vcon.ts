import { VconOtelError } from '../../../model/error.ts';
import type { JournalFile } from './journal-file.ts';

/** The ids of the runs that a vCon entered, left or passed through. */
export function runsOfVcon({ pages }: JournalFile, uuid: string): ReadonlySet<string> {
  const runs = new Set<string>();
  for (const { page } of pages.between(0, Number.MAX_SAFE_INTEGER)) {
    if (!page.says(uuid)) continue;
    for (let at = 0; at < page.count; at += 1) if (page.uuids(at).includes(uuid)) runs.add(page.runId(at));
  }
  return runs;
}

/**
 * The uuid of the one vCon whose uuid begins like this, in capitals or not; undefined where there is none.
 * @throws VconOtelError `OPTIONS_INVALID` where there are several
 */
export function vconBeginning({ pages }: JournalFile, beginning: string): string | undefined {
  const wanted = beginning.toLowerCase();
  let found: string | undefined;
  for (const { page } of pages.between(0, Number.MAX_SAFE_INTEGER))
    for (let at = 0; at < page.count; at += 1)
      for (const uuid of page.uuids(at)) {
        if (uuid === found || !uuid.toLowerCase().startsWith(wanted)) continue;
        if (found !== undefined)
          throw new VconOtelError(
            'OPTIONS_INVALID',
            'More than one vCon begins like this: give more of its uuid',
            { path: '--vcon' },
          );
        found = uuid;
      }
  return found;
}
