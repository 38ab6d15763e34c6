import { setImmediate as nextTurn } from 'node:timers/promises';
import { errorType } from '../../model/error.ts';
import type { ReportedFact } from '../../model/fact.ts';
import type { FactSink, RecordReceipt } from '../../model/fact-sink.ts';
import type { ThrottledLog } from '../../model/throttled-log.ts';
import type { ReceiverCounts } from '../counts.ts';
import type { BatchSize } from './batch-size.ts';
import { pause, pauseAfter } from './pause.ts';
import { originalText, readContents, recordList } from './read-entry.ts';
import type { StreamEntry } from './replies.ts';
import type { Settlement } from './settlement.ts';
import type { StreamLease } from './stream-lease.ts';

/** Where entries go. */
export interface Destination {
  readonly sink: FactSink;
  readonly counts: ReceiverCounts;
  readonly settlement: Settlement;
  readonly size: BatchSize;
  readonly lease: StreamLease;
  /** When it aborts, nobody waits for a full sink any longer. */
  readonly closing: AbortSignal;
  readonly log: ThrottledLog;
}

interface ReadRecord {
  readonly id: string;
  readonly record: ReportedFact;
  readonly json: Buffer;
}

/** An entry that was neither trimmed nor deleted. */
type FilledEntry = StreamEntry & { readonly fields: readonly Buffer[] };

/** Records that are passed to the sink together, and their bytes. */
const TOGETHER = 128;
const LENGTH = 512 * 1024;
/** Milliseconds between the first and the last of entries that count as received at once. */
const AT_ONCE = 1_000;
/** How many milliseconds the event loop may be busy with entries. */
const SLICE = 5;
/** Milliseconds between two checks whether there is room again. */
const LOOK = 200;

/**
 * Passes the records of entries to the sink, waits until they are durable, and has the entries acknowledged. Entries without
 * a record are set aside; those that are gone are counted. While the sink is full, or what it accepted is not durable, this
 * waits and the entries stay pending.
 * @throws VconOtelError `STREAM_IN_USE` where another adapter may have taken them over meanwhile
 */
export async function handIn(entries: readonly StreamEntry[], to: Destination): Promise<void> {
  to.size.read(entries);
  let taken: ReadRecord[] = [];
  let pauseAt = performance.now() + SLICE;
  for (const records of batches(entries, to)) {
    if (to.sink.full) {
      await becomeDurable(taken, to);
      taken = [];
      if (!(await hasRoom(to))) return;
    }
    to.lease.require();
    for (const { outcome } of await takeRecords(records, to.sink)) to.counts.add('records', outcome);
    taken.push(...records);
    if (performance.now() < pauseAt) continue;
    await nextTurn();
    pauseAt = performance.now() + SLICE;
  }
  await becomeDurable(taken, to);
}

/** Reads entries: the records that are passed on together, and meanwhile sees to those that have none. */
function* batches(entries: readonly StreamEntry[], to: Destination): Generator<readonly ReadRecord[]> {
  let some: FilledEntry[] = [];
  let length = 0;
  for (const entry of entries) {
    const { id } = entry;
    if (to.settlement.has(id)) continue;
    if (!isFilled(entry)) {
      to.lease.require();
      to.counts.add('records', 'lost');
      to.settlement.acknowledge([id]);
      continue;
    }
    some.push(entry);
    for (const field of entry.fields) length += field.byteLength;
    if (some.length < TOGETHER && length < LENGTH) continue;
    yield recordsIn(some, to);
    some = [];
    length = 0;
  }
  if (some.length > 0) yield recordsIn(some, to);
}

function isFilled(entry: StreamEntry): entry is FilledEntry {
  return entry.fields !== undefined;
}

/** The records of entries; those that have none are set aside. */
function recordsIn(entries: readonly FilledEntry[], to: Destination): readonly ReadRecord[] {
  const records: ReadRecord[] = [];
  for (const [at, read] of readContents(entries.map(({ fields }) => fields)).entries()) {
    const { id, fields } = entries[at] as FilledEntry;
    if (read.kind === 'record') records.push({ id, record: read.record, json: read.json });
    else {
      to.lease.require();
      to.settlement.setAside({ id, reason: read.reason, text: originalText(fields), outcome: 'rejected' });
    }
  }
  return records;
}

/** Passes records to a sink, those that came at once together. */
export async function takeRecords(
  records: readonly ReadRecord[],
  sink: FactSink,
): Promise<readonly RecordReceipt[]> {
  const receipts: RecordReceipt[] = [];
  for (const { at, some } of byReceipt(records)) {
    const bytes = recordList(some);
    const facts = { spans: [], records: some.map(({ record }) => record) };
    receipts.push(...(await sink.take({ form: 'entries', packing: 'none', bytes, at }, facts)));
  }
  return receipts;
}

/** Records with the time at which Redis took the first of them, by its id: we may read it a week later. */
function byReceipt(records: readonly ReadRecord[]) {
  const groups: { readonly at: number; readonly some: ReadRecord[] }[] = [];
  for (const record of records) {
    const at = Number.parseInt(record.id, 10);
    const last = groups.at(-1);
    if (last && Math.abs(at - last.at) <= AT_ONCE) last.some.push(record);
    else groups.push({ at, some: [record] });
  }
  return groups;
}

/** True as soon as the sink is not full; false if the receiver closes first. */
async function hasRoom({ sink, closing }: Destination): Promise<boolean> {
  while (sink.full && !closing.aborted) await pause(LOOK, closing);
  return !sink.full;
}

/** Has accepted entries acknowledged once they are durable; anything lost on the way is passed to the sink again. */
async function becomeDurable(taken: readonly ReadRecord[], to: Destination): Promise<void> {
  if (taken.length === 0) return;
  for (let failures = 1; ; failures++) {
    try {
      await to.sink.durable();
      to.settlement.acknowledge(taken.map(({ id }) => id));
      return;
    } catch (error) {
      to.log.warn('durable', `records could not be kept and stay in the stream: ${errorType(error)}`);
    }
    await pauseAfter(failures, to.closing);
    if (!(await hasRoom(to)) || to.closing.aborted) return;
    to.lease.require();
    await takeRecords(taken, to.sink);
  }
}
