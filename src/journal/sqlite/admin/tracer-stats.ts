import type { TracerPlace } from '../../admin.ts';
import { HeardEvents } from '../writer/heard.ts';
import type { Pages } from '../writer/pages.ts';
import { Reader } from '../writer/reader.ts';
import type { Statements } from '../writer/statements.ts';
import type { JournalFile, StoredConsumer } from './journal-file.ts';

/** Counts how a tracer is doing, at one moment. */
export function tracerStats(
  { db, sql, pages }: JournalFile,
  { consumer, name }: StoredConsumer,
): TracerPlace {
  db.exec('begin');
  try {
    // It may have moved on since it was looked up.
    const position = sql.number('select position from consumer where consumer = ?', consumer);
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
    const { pending, oldest } = new Reader(sql, pages).backlog(consumer, position);
    const again = sql.number(
      `select min(seq) from delivery where consumer = ? and state in ('retry', 'queued') and state <> 'ok' and seq <= ?`,
      consumer,
      position,
    );
    return {
      tracer: name,
      position,
      depth: pending + count(({ isOpen, later }) => isOpen && !later),
      retrying: count(({ isRetrying }) => isRetrying),
      attempts: counts.reduce((sum, row) => sum + (row.isRetrying ? row.attempts : 0), 0),
      queued: count(({ state }) => state === 'queued'),
      deadLetters: count(({ state }) => state === 'dead' || state === 'failed'),
      ok: heardOnce(sql, pages, consumer) + count(({ state }) => state === 'ok'),
      skipped: count(({ state }) => state === 'skipped'),
      dropped: count(({ state }) => state === 'dropped'),
      oldest: earlier(oldest, again > 0 ? pages.time(again) : undefined),
    };
  } finally {
    db.exec('rollback');
  }
}

/** Events that it heard at the first attempt, and that are kept. */
function heardOnce(sql: Statements, pages: Pages, consumer: number): number {
  let heard = 0;
  for (const range of pages.ranges(0, Number.MAX_SAFE_INTEGER)) {
    const answers = new HeardEvents(sql, consumer, range);
    for (let seq = range.first; seq <= range.last; seq += 1)
      if (answers.state(seq) === 'ok' && !answers.rows.has(seq)) heard += 1;
  }
  return heard;
}

function earlier(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
}
