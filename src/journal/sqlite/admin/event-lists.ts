import type { WhichDead } from '../../admin.ts';
import { deadLetterSeqs } from './dead-letters.ts';
import { type SeqEntry, TracerAnswers } from './entry.ts';
import type { JournalFile, StoredConsumer } from './journal-file.ts';

/** Rows that are read at once: between two reads the service can tidy up, however slow the reader is. */
const ROWS = 500;

/**
 * What a tracer will hear next: what was asked for again, then the log.
 * @param limit 0 for all
 */
export function* eventsToHear(
  file: JournalFile,
  place: StoredConsumer,
  limit: number,
): Generator<SeqEntry, void, undefined> {
  let left = limit === 0 ? Number.POSITIVE_INFINITY : limit;
  for (const entry of askedAgain(file, place)) {
    if (left <= 0) return;
    yield entry;
    left -= 1;
  }
  for (const page of file.pages.between(place.position, Number.MAX_SAFE_INTEGER)) {
    const answers = new TracerAnswers(file, place, page);
    for (let seq = Math.max(page.first, place.position + 1); seq <= page.last; seq += 1) {
      if (!answers.isOpen(seq)) continue;
      if (left <= 0) return;
      yield answers.entry(page, seq);
      left -= 1;
    }
  }
}

/**
 * The dead letters of a tracer: given up, or answered with `false`; oldest first.
 * @param limit 0 for all
 */
export function* deadLetters(
  file: JournalFile,
  place: StoredConsumer,
  limit: number,
  which: WhichDead,
): Generator<SeqEntry, void, undefined> {
  let left = limit === 0 ? Number.POSITIVE_INFINITY : limit;
  for (const seqs of deadLetterSeqs(file, place, ROWS, which))
    for (const entry of entriesOf(file, place, seqs)) {
      yield entry;
      left -= 1;
      if (left <= 0) return;
    }
}

/** Events that are to be tried again, or were asked for again, up to the tracer's position, in the order of the log. */
function* askedAgain(file: JournalFile, place: StoredConsumer): Generator<SeqEntry, void, undefined> {
  const statement = file.db.prepare(
    `select seq from delivery where consumer = ? and seq > ? and seq <= ? and state in ('retry', 'queued') and state <> 'ok'
     order by seq limit ${ROWS}`,
  );
  for (let after = 0; ; ) {
    const seqs = statement.all(place.consumer, after, place.position).map(({ seq }) => Number(seq));
    yield* entriesOf(file, place, seqs);
    if (seqs.length < ROWS) return;
    after = seqs.at(-1) ?? after;
  }
}

function* entriesOf(
  file: JournalFile,
  place: StoredConsumer,
  seqs: readonly number[],
): Generator<SeqEntry, void, undefined> {
  for (const seq of seqs) {
    const page = file.pages.of(seq);
    if (page) yield new TracerAnswers(file, place, { first: seq, last: seq }).entry(page, seq);
  }
}
