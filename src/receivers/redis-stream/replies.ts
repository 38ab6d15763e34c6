import { z } from 'zod';
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

const count = z.int().min(0);
const PendingRows = z.array(z.tuple([z.string(), z.string(), count, count]));
const Stream = z.object({
  length: count,
  'entries-added': count,
  'last-generated-id': z.string(),
  'first-entry': z.tuple([z.string()]).rest(z.unknown()).nullable(),
});
const Group = z.object({
  name: z.string(),
  'last-delivered-id': z.string(),
  'entries-read': count.nullable().optional(),
  pending: count,
});

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
  return known(PendingRows, reply).map(([id, , , deliveries]) => ({ id, deliveries }));
}

/**
 * The answers to XINFO STREAM and XINFO GROUPS.
 * @throws VconOtelError `STORE_UNAVAILABLE` if Redis is older than 7.0
 */
export function readSnapshot(stream: unknown, groups: unknown, name: string): Snapshot {
  const fields = pairs(stream);
  if (!fields.has('entries-added')) throw unavailable('Redis 7.0 or later is needed');
  const { length, ...info } = known(Stream, Object.fromEntries(fields));
  return {
    length,
    added: info['entries-added'],
    lastId: info['last-generated-id'],
    firstId: info['first-entry']?.[0],
    group: readGroup(groups, name),
  };
}

/** The answer to XINFO GROUPS. */
export function readGroup(reply: unknown, name: string): GroupState | undefined {
  const groups = known(z.array(z.unknown()), reply).map((group) =>
    known(Group, Object.fromEntries(pairs(group))),
  );
  const group = groups.find((it) => it.name === name);
  return (
    group && {
      lastDelivered: group['last-delivered-id'],
      entriesRead: group['entries-read'] ?? undefined,
      pending: group.pending,
    }
  );
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

/** Thousands of them come in a second: a schema would take as long for one as everything else that is done to read it. */
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

function textOf(value: unknown): string {
  if (!Buffer.isBuffer(value)) throw unavailable(UNEXPECTED);
  return value.toString();
}

function pairs(reply: unknown): ReadonlyMap<string, unknown> {
  const items = known(z.array(z.unknown()), reply);
  const found = new Map<string, unknown>();
  for (let index = 0; index + 1 < items.length; index += 2) found.set(String(items[index]), items[index + 1]);
  return found;
}

/** Without a cause: it would quote the reply. */
function known<T>(schema: z.ZodType<T>, reply: unknown): T {
  const { success, data } = schema.safeParse(reply);
  if (!success) throw unavailable(UNEXPECTED);
  return data;
}

const UNEXPECTED = 'an unexpected reply';
