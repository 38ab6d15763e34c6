import { type Connection, type Reply, reason, unavailable } from './connection.ts';
import type { Position } from './read-position.ts';
import {
  type Entry,
  type GroupState,
  type Pending,
  readClaimed,
  readEntries,
  readGroup,
  readPending,
  readSnapshot,
  type Snapshot,
} from './replies.ts';

/** What code passes to {@link consumerGroup}. */
export interface ConsumerGroupSettings {
  readonly stream: string;
  readonly group: string;
  readonly consumer: string;
  /** Milliseconds after which an entry of another consumer is taken over. */
  readonly claimAfter: number;
}

/** An entry for `<stream>:dead`. */
export interface DeadLetter {
  readonly id: string;
  readonly reason: string;
  readonly record: Uint8Array;
}

/** What is asked of Redis. Everything throws VconOtelError `STORE_UNAVAILABLE`. */
export type ConsumerGroup = ReturnType<typeof consumerGroup>;

export function consumerGroup(
  { ask, askAll, askTogether }: Connection,
  { stream, group, consumer, claimAfter }: ConsumerGroupSettings,
) {
  return {
    /** Undefined where there is no stream. */
    async inspect(): Promise<Snapshot | undefined> {
      const [info, groups] = await askTogether((redis) =>
        redis.call('XINFO', 'STREAM', stream).call('XINFO', 'GROUPS', stream),
      );
      if (info?.[0] && /no such key/.test(info[0].message)) return undefined;
      return readSnapshot(answer(info), answer(groups), group);
    },

    /** Makes the group at the start of the stream, so that what waits is read, and the stream where there is none. */
    async create(entriesRead: number): Promise<void> {
      const known = entriesRead > 0 ? ['ENTRIESREAD', entriesRead] : [];
      await ask((redis) => redis.call('XGROUP', 'CREATE', stream, group, '0', 'MKSTREAM', ...known));
    },

    /** Reads what nobody was handed yet, and the books immediately before and after. Does not wait. */
    async readNew(count: number): Promise<{ before: Snapshot; after: GroupState; entries: Entry[] }> {
      const [info, groups, read, groupsAfter] = await askTogether((redis) =>
        redis
          .call('XINFO', 'STREAM', stream)
          .call('XINFO', 'GROUPS', stream)
          .call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', count, 'STREAMS', stream, '>')
          .call('XINFO', 'GROUPS', stream),
      );
      const entries = readEntries(answer(read));
      const after = readGroup(answer(groupsAfter), group);
      if (!after) throw unavailable('NOGROUP');
      return { before: readSnapshot(answer(info), answer(groups), group), after, entries };
    },

    /** Tells Redis how many entries there were up to the last delivered one. */
    async correct({ id, entries }: Position): Promise<void> {
      await ask((redis) => redis.call('XGROUP', 'SETID', stream, group, id, 'ENTRIESREAD', entries));
    },

    /** What this consumer was handed and has not acknowledged, after an id. Does not count as a delivery. */
    async pendingOwn(after: string, count: number): Promise<Pending[]> {
      return readPending(
        await ask((redis) => redis.call('XPENDING', stream, group, `(${after}`, '+', count, consumer)),
      );
    },

    /** What anybody was handed and has not acknowledged for too long, after an id. Does not count as a delivery. */
    async pendingIdle(after: string, count: number): Promise<Pending[]> {
      return readPending(
        await ask((redis) =>
          redis.call('XPENDING', stream, group, 'IDLE', claimAfter, `(${after}`, '+', count),
        ),
      );
    },

    /** Delivers entries of this consumer again, after an id. */
    async readOwn(after: string, count: number): Promise<Entry[]> {
      return readEntries(
        await ask((redis) =>
          redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', count, 'STREAMS', stream, after),
        ),
      );
    },

    /** Takes over entries that have been idle for too long, from an id on. */
    async claim(from: string, count: number): Promise<{ entries: Entry[]; gone: string[] }> {
      return readClaimed(
        await ask((redis) =>
          redis.call('XAUTOCLAIM', stream, group, consumer, claimAfter, from, 'COUNT', count),
        ),
      );
    },

    async acknowledge(ids: readonly string[]): Promise<void> {
      await ask((redis) => redis.call('XACK', stream, group, ...ids));
    },

    /** Puts entries where a person finds them. For each one, the code of why it could not be. */
    async bury(letters: readonly DeadLetter[]): Promise<(string | undefined)[]> {
      const replies = await askAll((pipeline) => {
        for (const { id, reason: why, record } of letters)
          pipeline.xadd(
            `${stream}:dead`,
            'MAXLEN',
            '~',
            MAX_DEAD,
            '*',
            'id',
            id,
            'reason',
            why,
            'record',
            Buffer.from(record.buffer, record.byteOffset, record.byteLength),
          );
        return pipeline;
      });
      return letters.map((_, index) => {
        const error = replies[index]?.[0];
        return error ? reason(error) : undefined;
      });
    },
  };
}

const MAX_DEAD = 10_000;

function answer(reply: Reply | undefined): unknown {
  if (!reply) throw unavailable('an unexpected reply');
  const [error, value] = reply;
  if (error) throw unavailable(reason(error));
  return value;
}
