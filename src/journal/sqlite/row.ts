import type { ChainEvent } from '../../model/event.ts';
import type { Delivery } from '../journal.ts';
import { decode } from './codec.ts';
import type { PageRow } from './messages.ts';

/** An event with its place in the log, as one consumer has it. */
export interface Row {
  readonly seq: number;
  readonly event: ChainEvent;
  /** What was tried before. */
  readonly before?: Delivery;
  /** The file has a record that it is to be heard. */
  isRecorded: boolean;
}

/** Of a page that was read from the file. */
export function rowOf({ seq, event: stored, attempts, since, errorType }: PageRow): Row {
  const event = decode(stored);
  const row = { seq, event, isRecorded: since > 0 };
  return attempts === 0 ? row : { ...row, before: { attempts, since, duration: 0, errorType } };
}
