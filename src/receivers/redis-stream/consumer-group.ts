import { redisReason } from '../../persistence/redis.ts';
import { type Add, replyValue, type StreamConnection, unavailable } from './connection.ts';
import type { Position } from './read-position.ts';
import {
  type GroupState,
  type Pending,
  readClaimed,
  readEntries,
  readGroup,
  readPending,
  readSnapshot,
  type Snapshot,
  type StreamEntry,
} from './replies.ts';
import type { StreamLease } from './stream-lease.ts';

/** What code passes to {@link consumerGroup}. */
export interface ConsumerGroupSettings {
  readonly stream: string;
  readonly group: string;
  readonly consumer: string;
}

/** An entry for `<stream>:dead`. */
export interface DeadLetter {
  readonly id: string;
  readonly reason: string;
  readonly record: Uint8Array;
}

/**
 * What is asked of Redis. Everything throws VconOtelError `STORE_UNAVAILABLE`, and what changes the group `STREAM_IN_USE` too
 * where another adapter reads the stream.
 */
export type ConsumerGroup = ReturnType<typeof consumerGroup>;

export function consumerGroup(
  { ask, askAll, askTogether }: StreamConnection,
  lease: StreamLease,
  { stream, group, consumer }: ConsumerGroupSettings,
) {
  const only = async (add: Add) => replyValue((await lease.only(add))[0]);
  return {
    /** Undefined where there is no stream. */
    async inspect(): Promise<Snapshot | undefined> {
      const [info, groups] = await askTogether((redis) =>
        redis.call('XINFO', 'STREAM', stream).call('XINFO', 'GROUPS', stream),
      );
      if (info?.[0] && /no such key/.test(info[0].message)) return undefined;
      return readSnapshot(replyValue(info), replyValue(groups), group);
    },

    /** Makes the group at the start of the stream, so that what waits is read, and the stream where there is none. */
    async create(entriesRead: number): Promise<void> {
      const known = entriesRead > 0 ? ['ENTRIESREAD', entriesRead] : [];
      await only((redis) => redis.call('XGROUP', 'CREATE', stream, group, '0', 'MKSTREAM', ...known));
    },

    /**
     * Acknowledges entries, and reads what nobody was handed yet, with the books immediately before and after: in one go, since
     * each takes its time. Does not wait.
     */
    async readNew(
      count: number,
      finished: readonly string[],
    ): Promise<{ before: Snapshot; after: GroupState; entries: StreamEntry[] }> {
      // Nobody has an entry 0-0.
      const ids = finished.length > 0 ? finished : ['0-0'];
      const [acknowledged, info, groups, read, groupsAfter] = await lease.only((redis) =>
        redis
          .call('XACK', stream, group, ...ids)
          .call('XINFO', 'STREAM', stream)
          .call('XINFO', 'GROUPS', stream)
          .callBuffer('XREADGROUP', 'GROUP', group, consumer, 'COUNT', count, 'STREAMS', stream, '>')
          .call('XINFO', 'GROUPS', stream),
      );
      replyValue(acknowledged);
      const entries = readEntries(replyValue(read));
      const after = readGroup(replyValue(groupsAfter), group);
      if (!after) throw unavailable('NOGROUP');
      return { before: readSnapshot(replyValue(info), replyValue(groups), group), after, entries };
    },

    /** Tells Redis how many entries there were up to the last delivered one. */
    async correct({ id, entries }: Position): Promise<void> {
      await only((redis) => redis.call('XGROUP', 'SETID', stream, group, id, 'ENTRIESREAD', entries));
    },

    /**
     * What anybody was handed and has not acknowledged, after an id. Does not count as a delivery.
     * @param idle for how many milliseconds at least
     */
    async pending(idle: number, after: string, count: number): Promise<Pending[]> {
      return readPending(
        await ask((redis) => redis.call('XPENDING', stream, group, 'IDLE', idle, `(${after}`, '+', count)),
      );
    },

    /** Delivers such entries to this consumer, from an id on. */
    async claim(
      idle: number,
      from: string,
      count: number,
    ): Promise<{ entries: StreamEntry[]; gone: string[] }> {
      return readClaimed(
        await only((redis) =>
          redis.callBuffer('XAUTOCLAIM', stream, group, consumer, idle, from, 'COUNT', count),
        ),
      );
    },

    async acknowledge(ids: readonly string[]): Promise<void> {
      await only((redis) => redis.call('XACK', stream, group, ...ids));
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
        return error ? redisReason(error) : undefined;
      });
    },
  };
}

const MAX_DEAD = 10_000;
