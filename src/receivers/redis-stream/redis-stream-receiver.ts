import type { Receiver, StreamStats } from '../receiver.ts';
import { type RedisStreamReceiverSettings, StreamReader } from './stream-reader.ts';

/** A running receiver. */
export type RedisStreamReceiver = Receiver & { readonly stats: StreamStats };

/**
 * Reads forwarded records off a Redis stream: entries with one field, `record`, that holds the record's JSON. Needs Redis
 * 7.0 or later. An entry is acknowledged once its content is durable; one that cannot be read is set aside. Starts at once,
 * and keeps trying while Redis is down.
 * @throws VconOtelError `CONFIG_INVALID` if the url is not one
 */
export async function startRedisStreamReceiver(
  settings: RedisStreamReceiverSettings,
): Promise<RedisStreamReceiver> {
  const reader = new StreamReader(settings);
  return {
    get stats() {
      return reader.stats;
    },
    troubles: () => troublesOf(reader.stats),
    close: () => reader.close(),
  };
}

/** Records in the stream from which on reading is behind. */
const LAGGING = 10_000;

function troublesOf({ failure, lag, gaps, waiting }: StreamStats): string[] {
  return [
    ...(failure ? [`the Redis stream cannot be read (${failure.code}): ${failure.message}`] : []),
    ...(lag > LAGGING ? [`the Redis stream is ahead of us by ${lag} records`] : []),
    ...(gaps > 0 ? [`records were trimmed off the Redis stream before they were read, ${gaps} times`] : []),
    ...(waiting > 0 ? [`${waiting} records cannot be set aside in Redis`] : []),
  ];
}
