import type { SQLOutputValue } from 'node:sqlite';
import type { ChainEvent } from '../../../model/event.ts';
import { decode } from '../codec.ts';
import type { DeliveryState } from '../writer/schema.ts';
import type { JournalFile } from './journal-file.ts';

/** An event of the journal, and what became of it at one tracer. */
export interface JournalEntry {
  readonly seq: number;
  readonly event: ChainEvent;
  readonly tracer: string;
  /** `waiting`: nobody has tried yet. */
  readonly state: DeliveryState | 'waiting';
  readonly attempts: number;
  /** When the first attempt was made, or an operator asked; milliseconds since the Unix epoch. */
  readonly since: number | undefined;
  /** When the state was noted; milliseconds since the Unix epoch. */
  readonly at: number | undefined;
  /** Seconds that the last attempt took. */
  readonly duration: number | undefined;
  /** Why the last attempt did not succeed. */
  readonly errorType: string | undefined;
}

/** What {@link entryOf} needs, of `event e`, `run r`, `consumer c` and `delivery d`. */
export const ENTRY_COLUMNS =
  'e.seq, r.run_id, r.chain, r.vcon_uuid, e.step, e.time, e.body, c.name, d.state, d.attempts, d.since, d.at, d.duration, d.error_type';

/** An entry as a row has it. */
export function entryOf(row: Record<string, SQLOutputValue>): JournalEntry {
  return {
    seq: Number(row.seq),
    event: eventOf(row),
    tracer: String(row.name),
    state: row.state === null ? 'waiting' : (row.state as DeliveryState),
    attempts: Number(row.attempts ?? 0),
    since: numberOf(row.since),
    at: numberOf(row.at),
    duration: numberOf(row.duration),
    errorType: row.error_type === null ? undefined : String(row.error_type),
  };
}

/** An event as a row of `event` and `run` has it. */
export function eventOf({
  run_id,
  chain,
  vcon_uuid,
  step,
  time,
  body,
}: Record<string, SQLOutputValue>): ChainEvent {
  return decode([String(run_id), String(chain), String(vcon_uuid), String(step), Number(time), String(body)]);
}

/** The end of the log: a place beyond every event that was ever given one. */
export function lastOf({ db }: JournalFile): number {
  const row = db
    .prepare(
      `select max(coalesce((select seq from event order by seq desc limit 1), 0),
                  coalesce((select max(position) from consumer), 0)) as last`,
    )
    .get();
  return Number(row?.last ?? 0);
}

function numberOf(value: SQLOutputValue | undefined): number | undefined {
  return value === null || value === undefined ? undefined : Number(value);
}
