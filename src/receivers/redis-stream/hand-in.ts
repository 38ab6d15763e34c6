import { setImmediate as nextTurn } from 'node:timers/promises';
import { errorType } from '../../model/error.ts';
import { RarelyLogged } from '../../model/rarely-logged.ts';
import type { ForwardedRecord } from '../forwarded-record.ts';
import type { Intake } from '../intake.ts';
import type { Tally } from '../tally.ts';
import type { BatchSize } from './batch-size.ts';
import { backOff, pause } from './pause.ts';
import { originalText, readEntry } from './read-entry.ts';
import type { Entry } from './replies.ts';
import type { Settlement } from './settlement.ts';

/** Where entries go. */
export interface Destination {
  readonly intake: Intake;
  readonly tally: Tally;
  readonly settlement: Settlement;
  readonly size: BatchSize;
  /** When it aborts, nobody waits for a full intake any more. */
  readonly closing: AbortSignal;
}

interface ReadRecord {
  readonly id: string;
  readonly record: ForwardedRecord;
}

/**
 * Hands the records of entries in, waits until they are durable, and has them acknowledged. Entries that hold none are set
 * aside; those that are gone are counted. While the intake is full, or what it took is not durable, this waits: the entries
 * stay pending.
 */
export async function handIn(entries: readonly Entry[], to: Destination): Promise<void> {
  to.size.read(entries);
  let taken: ReadRecord[] = [];
  let pauseAt = performance.now() + SLICE;
  for (const { id, fields } of entries) {
    if (to.settlement.has(id)) continue;
    if (!fields) {
      to.tally.add('records', 'lost');
      to.settlement.acknowledge([id]);
      continue;
    }
    const read = readEntry(fields);
    if (read.kind === 'unreadable')
      to.settlement.setAside({ id, reason: read.reason, text: originalText(fields), outcome: 'rejected' });
    else {
      if (to.intake.full) {
        await becomeDurable(taken, to);
        taken = [];
        if (!(await hasRoom(to))) return;
      }
      to.tally.add('records', to.intake.record(read.record).outcome);
      taken.push({ id, record: read.record });
    }
    if (performance.now() < pauseAt) continue;
    await nextTurn();
    pauseAt = performance.now() + SLICE;
  }
  await becomeDurable(taken, to);
}

/** Milliseconds for which the event loop may be busy with entries. */
const SLICE = 5;
/** Milliseconds between two looks whether there is room again. */
const LOOK = 200;

const log = new RarelyLogged('vcon-otel/receivers');

/** True as soon as the intake is not full; false where the receiver closes before. */
async function hasRoom({ intake, closing }: Destination): Promise<boolean> {
  while (intake.full && !closing.aborted) await pause(LOOK, closing);
  return !intake.full;
}

/** Has what was taken acknowledged once it is durable; what got lost on the way is handed in again. */
async function becomeDurable(taken: readonly ReadRecord[], to: Destination): Promise<void> {
  if (taken.length === 0) return;
  for (let failures = 0; ; failures++) {
    try {
      await to.intake.durable();
      to.settlement.acknowledge(taken.map(({ id }) => id));
      return;
    } catch (error) {
      log.warn('durable', `records could not be kept and stay in the stream: ${errorType(error)}`);
    }
    await pause(backOff(failures), to.closing);
    if (!(await hasRoom(to)) || to.closing.aborted) return;
    for (const { record } of taken) to.intake.record(record);
  }
}
