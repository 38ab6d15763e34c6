import type { JournalEntry } from '../../admin.ts';
import { HeardEvents } from '../writer/heard.ts';
import type { KeptPage, SeqRange } from '../writer/pages.ts';
import type { JournalFile, StoredConsumer } from './journal-file.ts';

/** An entry with its seq. */
export interface SeqEntry extends JournalEntry {
  readonly seq: number;
}

/** What a tracer has made of the events of a range. */
export class TracerAnswers {
  readonly #answers: HeardEvents;
  readonly #name: string;

  constructor({ sql }: JournalFile, { consumer, name }: StoredConsumer, range: SeqRange) {
    this.#answers = new HeardEvents(sql, consumer, range);
    this.#name = name;
  }

  /** An event of a page, as the tracer has it. */
  entry({ first, page }: KeptPage, seq: number): SeqEntry {
    const event = page.event(seq - first);
    const entry = { seq, event, tracer: this.#name, errorType: undefined };
    const row = this.#answers.rows.get(seq);
    // Kept apart, because no chain is stopped by it; to whoever looks, it is a dead letter like others.
    if (row?.state === 'failed') return { ...entry, ...row, state: 'dead', errorType: RETURNED_FALSE };
    if (row) return { ...entry, ...row, state: row.state };
    if (this.#answers.state(seq) === undefined)
      return {
        ...entry,
        state: 'waiting',
        attempts: 0,
        since: undefined,
        at: undefined,
        duration: undefined,
      };
    const { latency, duration } = this.#answers.heard(seq);
    const at = event.time + latency;
    return { ...entry, state: 'ok', attempts: 1, since: at - duration * 1e3, at, duration };
  }

  /** Whether the tracer has yet to hear it, provided that it is beyond its position. */
  isOpen(seq: number): boolean {
    return this.#answers.isOpen(seq);
  }

  hasRow(seq: number): boolean {
    return this.#answers.rows.has(seq);
  }

  isRecorded(seq: number): boolean {
    return this.#answers.state(seq) !== undefined;
  }
}

/** The `error.type` of a `run` that answered `false`. */
export const RETURNED_FALSE = 'returned_false';

/** The end of the log: the greatest seq that was ever given. */
export function lastOf({ sql, pages }: JournalFile): number {
  return Math.max(pages.last, sql.number('select max(position) from consumer'));
}
