import type { ConsumerPlace, JournalFile } from './journal-file.ts';

/** How a tracer stands in the journal. */
export interface ConsumerStats {
  readonly tracer: string;
  /** Everything up to here is settled. */
  readonly position: number;
  /** Events it has still to hear; those that are being retried or were asked for again are among them. */
  readonly depth: number;
  /** Events of which an attempt has failed and will be made again. */
  readonly retrying: number;
  /** Attempts at those so far. */
  readonly attempts: number;
  /** Events that an operator has asked for again. */
  readonly queued: number;
  /** Given up, or answered with `false`. */
  readonly deadLetters: number;
  /** Delivered and still kept, as are the next two. */
  readonly ok: number;
  readonly skipped: number;
  readonly dropped: number;
  /** When the oldest event that is still to be heard happened, milliseconds since the Unix epoch. */
  readonly oldest: number | undefined;
}

/** Counts how a tracer stands, at one moment. */
export function consumerStats({ db }: JournalFile, { consumer, name }: ConsumerPlace): ConsumerStats {
  db.exec('begin');
  try {
    // It may have moved on since it was looked up.
    const place = db.prepare('select position from consumer where consumer = ?').get(consumer);
    const position = Number(place?.position ?? 0);
    const later = db.prepare('select count(*) as found from event where seq > ?').get(position);
    const counts = db
      .prepare(
        `select state, seq > ? as later, attempts > 0 as tried, count(*) as found, sum(attempts) as attempts
         from delivery where consumer = ? group by 1, 2, 3`,
      )
      .all(position, consumer)
      .map((row) => ({
        state: String(row.state),
        later: row.later === 1,
        isOpen: row.state === 'retry' || row.state === 'queued',
        isRetrying: row.state === 'retry' || (row.state === 'queued' && row.tried === 1),
        found: Number(row.found),
        attempts: Number(row.attempts),
      }));
    const count = (which: (row: (typeof counts)[number]) => boolean): number =>
      counts.reduce((sum, row) => sum + (which(row) ? row.found : 0), 0);
    const settledLater = count(({ isOpen, later }) => later && !isOpen);
    return {
      tracer: name,
      position,
      depth: Number(later?.found) - settledLater + count(({ isOpen, later }) => isOpen && !later),
      retrying: count(({ isRetrying }) => isRetrying),
      attempts: counts.reduce((sum, row) => sum + (row.isRetrying ? row.attempts : 0), 0),
      queued: count(({ state }) => state === 'queued'),
      deadLetters: count(({ state }) => state === 'dead' || state === 'failed'),
      ok: count(({ state }) => state === 'ok'),
      skipped: count(({ state }) => state === 'skipped'),
      dropped: count(({ state }) => state === 'dropped'),
      oldest: oldestOf(db, consumer, position),
    };
  } finally {
    db.exec('rollback');
  }
}

function oldestOf(db: JournalFile['db'], consumer: number, position: number): number | undefined {
  const times = [
    db.prepare(
      `select e.time from delivery d join event e using (seq)
       where d.consumer = ? and d.state in ('retry', 'queued') and d.state <> 'ok' and d.seq <= ? order by d.seq limit 1`,
    ),
    db.prepare(
      `select e.time from event e left join delivery d on d.consumer = ? and d.seq = e.seq
       where e.seq > ? and (d.state is null or d.state in ('retry', 'queued')) order by e.seq limit 1`,
    ),
  ].flatMap((statement) => statement.all(consumer, position).map(({ time }) => Number(time)));
  return times.length > 0 ? Math.min(...times) : undefined;
}
