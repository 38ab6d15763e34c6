import type { ChainEvent } from '../../../model/event.ts';
import { ENTRY_COLUMNS, entryOf, eventOf, type JournalEntry } from './entry.ts';
import type { JournalFile } from './journal-file.ts';
import { runsOfVcon, vconBeginning } from './runs-of-vcon.ts';

/** Which runs of a journal are wanted. */
export interface RunFilter {
  /** At most so many, the most recent ones; 0 means all. */
  readonly limit: number;
  /** Only runs that this vCon entered, left or passed through: its uuid or the beginning of it. */
  readonly vcon?: string;
}

/** A run as the journal has it: its events, and what became of them at each tracer that hears them. */
export interface StoredRun {
  readonly events: readonly ChainEvent[];
  readonly deliveries: readonly JournalEntry[];
}

/** Events of a run that are shown, and their deliveries: far more than any real one has. */
const MAX_EVENTS = 10_000;
const MAX_DELIVERIES = 50_000;

/**
 * The wanted runs, in the order in which they began, each read when its turn comes.
 * @throws VconOtelError `OPTIONS_INVALID` where the beginning of a uuid fits several
 */
export function storedRuns(
  file: JournalFile,
  { limit, vcon }: RunFilter,
): { readonly older: boolean; readonly runs: Iterable<StoredRun> } {
  const uuid = vcon === undefined ? undefined : vconBeginning(file, vcon);
  if (vcon !== undefined && uuid === undefined) return { older: false, runs: [] };
  const numbers = file.db
    .prepare(
      `select run from run where exists (select 1 from event e where e.run = run.run)
       and (:runs is null or run in (select value from json_each(:runs))) order by run desc limit :limit`,
    )
    .all({
      runs: uuid === undefined ? null : JSON.stringify(runsOfVcon(file, uuid)),
      // One more tells whether there are more.
      limit: limit === 0 ? -1 : limit + 1,
    })
    .map(({ run }) => Number(run));
  const older = limit > 0 && numbers.length > limit;
  return { older, runs: readRuns(file, (older ? numbers.slice(0, limit) : numbers).reverse()) };
}

function* readRuns({ db }: JournalFile, numbers: readonly number[]): Generator<StoredRun> {
  const events = db.prepare(
    `select r.run_id, r.chain, r.vcon_uuid, e.step, e.time, e.body from event e join run r using (run)
     where e.run = ? order by e.seq limit ${MAX_EVENTS}`,
  );
  // A tracer without a delivery has the event still to hear, or it is none of its.
  const deliveries = db.prepare(
    `select ${ENTRY_COLUMNS} from event e join run r using (run) join consumer c
     left join delivery d on d.consumer = c.consumer and d.seq = e.seq
     where e.run = ? and (d.state is not null or e.seq > c.position) order by c.name, e.seq limit ${MAX_DELIVERIES}`,
  );
  for (const number of numbers) {
    const found = events.all(number).map(eventOf);
    // Removed since it was looked up.
    if (found.length === 0) continue;
    yield { events: found, deliveries: deliveries.all(number).map(entryOf) };
  }
}
