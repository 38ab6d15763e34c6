import { ENTRY_COLUMNS, entryOf, type JournalEntry } from './entry.ts';
import type { ConsumerPlace, JournalFile } from './journal-file.ts';

/** Rows that are read at once: between two pages the service can tidy up, however slow the reader is. */
const PAGE = 500;

/**
 * What a tracer will hear next: what was asked for again, then the log.
 * @param limit 0 for all
 */
export function* eventsToHear(
  { db }: JournalFile,
  { consumer, position }: ConsumerPlace,
  limit: number,
): Generator<JournalEntry> {
  const again = db.prepare(
    `select ${ENTRY_COLUMNS} from delivery d join event e using (seq) join run r using (run) join consumer c using (consumer)
     where d.consumer = ? and d.seq > ? and d.seq <= ? and d.state in ('retry', 'queued') and d.state <> 'ok'
     order by d.seq limit ?`,
  );
  const log = db.prepare(
    `select ${ENTRY_COLUMNS} from event e join run r using (run) join consumer c on c.consumer = ?
     left join delivery d on d.consumer = c.consumer and d.seq = e.seq
     where e.seq > ? and e.seq <= ? and (d.state is null or d.state in ('retry', 'queued')) order by e.seq limit ?`,
  );
  let left = limit === 0 ? Number.POSITIVE_INFINITY : limit;
  for (const [statement, from, to] of [
    [again, 0, position],
    [log, position, Number.MAX_SAFE_INTEGER],
  ] as const)
    for (const entry of paged(left, from, (after, page) =>
      statement.all(consumer, after, to, page).map(entryOf),
    )) {
      yield entry;
      left -= 1;
    }
}

/**
 * The dead letters of a tracer: given up, or answered with `false`; oldest first.
 * @param limit 0 for all
 */
export function deadLetters(
  { db }: JournalFile,
  { consumer }: ConsumerPlace,
  limit: number,
): Generator<JournalEntry> {
  const statement = db.prepare(
    `select ${ENTRY_COLUMNS} from delivery d join event e using (seq) join run r using (run) join consumer c using (consumer)
     where d.consumer = ? and d.seq > ? and d.state in ('dead', 'failed') and d.state <> 'ok' order by d.seq limit ?`,
  );
  const all = limit === 0 ? Number.POSITIVE_INFINITY : limit;
  return paged(all, 0, (after, page) => statement.all(consumer, after, page).map(entryOf));
}

function* paged(
  limit: number,
  from: number,
  read: (after: number, page: number) => JournalEntry[],
): Generator<JournalEntry> {
  let after = from;
  for (let left = limit; left > 0; ) {
    const page = Math.min(PAGE, left);
    const entries = read(after, page);
    yield* entries;
    if (entries.length < page) return;
    after = entries.at(-1)?.seq ?? after;
    left -= entries.length;
  }
}
