import { unavailable } from './connection.ts';

/** One entry of the stream; without fields if it was trimmed or deleted. */
export interface StreamEntry {
  readonly id: string;
  readonly fields: readonly Buffer[] | undefined;
}

/** An entry that some consumer received and has not acknowledged. */
export interface Pending {
  readonly id: string;
  readonly deliveries: number;
}

/** A stream and our group on it, at one moment. */
export interface Snapshot {
  /** How many entries were ever added, and how many are still there. */
  readonly added: number;
  readonly length: number;
  readonly lastId: string;
  /** Absent if the stream is empty. */
  readonly firstId: string | undefined;
  /** Absent if there is no such group. */
  readonly group: GroupState | undefined;
}

export interface GroupState {
  readonly lastDelivered: string;
  /** How many entries there were up to the last delivered one, as far as Redis can tell. */
  readonly entriesRead: number | undefined;
  readonly pending: number;
}

//  These are read dozens of times in a second: by schemas that would take as long as all else that a read takes.

/** The answer to XREADGROUP, of one stream, in buffers. */
export function readEntries(reply: unknown): StreamEntry[] {
  if (reply === null) return [];
  const [stream] = list(reply);
  return list(list(stream)[1]).map(entryOf);
}

/** The answer to XAUTOCLAIM, in buffers: what was claimed, and the ids of entries that are gone. */
export function readClaimed(reply: unknown): { entries: StreamEntry[]; gone: string[] } {
  const [, entries, gone] = list(reply);
  return { entries: list(entries).map(entryOf), gone: list(gone).map(textOf) };
}

/** The answer to XPENDING with a range. */
export function readPending(reply: unknown): Pending[] {
  return list(reply).map((row) => {
    const [id, , , deliveries] = list(row);
    return { id: text(id), deliveries: count(deliveries) };
  });
}

/**
 * The answers to XINFO STREAM and XINFO GROUPS.
 * @throws VconOtelError `STORE_UNAVAILABLE` if Redis is older than 7.0
 */
export function readSnapshot(stream: unknown, groups: unknown, name: string): Snapshot {
  const of = pairs(stream);
  if (!of.has('entries-added')) throw unavailable('Redis 7.0 or later is needed');
  const first = of.get('first-entry');
  return {
    length: count(of.get('length')),
    added: count(of.get('entries-added')),
    lastId: text(of.get('last-generated-id')),
    firstId: first === null ? undefined : text(list(first)[0]),
    group: readGroup(groups, name),
  };
}

/** The answer to XINFO GROUPS. */
export function readGroup(reply: unknown, name: string): GroupState | undefined {
  const of = list(reply)
    .map(pairs)
    .find((group) => group.get('name') === name);
  if (!of) return undefined;
  const read = of.get('entries-read') ?? undefined;
  return {
    lastDelivered: text(of.get('last-delivered-id')),
    entriesRead: read === undefined ? undefined : count(read),
    pending: count(of.get('pending')),
  };
}

/** Whether one entry id comes before another. Both halves have 64 bits. */
export function isBefore(one: string, other: string): boolean {
  const [time = '', sequence = ''] = one.split('-');
  const [otherTime = '', otherSequence = ''] = other.split('-');
  const order = compareDigits(time, otherTime) || compareDigits(sequence, otherSequence);
  return order < 0;
}

function compareDigits(one: string, other: string): number {
  if (one.length !== other.length) return one.length - other.length;
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

function entryOf(row: unknown): StreamEntry {
  const [id, fields] = list(row);
  if (fields === null) return { id: textOf(id), fields: undefined };
  for (const field of list(fields)) if (!Buffer.isBuffer(field)) throw unavailable(UNEXPECTED);
  return { id: textOf(id), fields: fields as Buffer[] };
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw unavailable(UNEXPECTED);
  return value;
}

/** In buffers. */
function textOf(value: unknown): string {
  if (!Buffer.isBuffer(value)) throw unavailable(UNEXPECTED);
  return value.toString();
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw unavailable(UNEXPECTED);
  return value;
}

function count(value: unknown): number {
  if (!Number.isSafeInteger(value) || Number(value) < 0) throw unavailable(UNEXPECTED);
  return Number(value);
}

function pairs(reply: unknown): ReadonlyMap<string, unknown> {
  const items = list(reply);
  const found = new Map<string, unknown>();
  for (let index = 0; index + 1 < items.length; index += 2) found.set(String(items[index]), items[index + 1]);
  return found;
}

const UNEXPECTED = 'an unexpected reply';
