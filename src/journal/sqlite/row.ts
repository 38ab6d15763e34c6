import type { ChainEvent } from '../../model/event.ts';
import type { Delivery } from '../consumer.ts';
import type { StoredRows } from './messages.ts';
import { Page } from './page.ts';

/** An event with its seq, as one consumer has it. */
export interface Row {
  readonly seq: number;
  readonly event: ChainEvent;
  /** What was tried before. */
  readonly before?: Delivery;
  /** The file has a record that it is to be heard. */
  isRecorded: boolean;
}

/** Events that follow one another in the log, of which nothing is recorded: most that a consumer reads. */
export interface Stretch {
  /** The seq of the first. */
  readonly first: number;
  readonly events: readonly ChainEvent[];
}

/** Rows as a stretch; undefined where they are none. */
export function stretchOf(rows: readonly Row[]): Stretch | undefined {
  const [{ seq: first } = { seq: 0 }] = rows;
  const isOne = rows.every(({ seq, before, isRecorded }, i) => seq === first + i && !before && !isRecorded);
  return rows.length > 0 && isOne ? { first, events: rows.map(({ event }) => event) } : undefined;
}

/** Events that were read from the file. */
export function rowsOf({ pages, rows }: StoredRows): Row[] {
  const read = pages.map((bytes) => new Page(bytes));
  return rows.flatMap(({ page, at, seq, attempts, since, errorType }) => {
    const event = read[page]?.event(at);
    if (!event) return [];
    const row = { seq, event, isRecorded: since > 0 };
    return attempts === 0 ? row : { ...row, before: { attempts, since, duration: 0, errorType } };
  });
}
