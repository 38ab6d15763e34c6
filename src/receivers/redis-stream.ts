import type { VconOtelError } from '../model/error.ts';
import type { Intake } from './intake.ts';
import { StreamReader } from './redis-stream/stream-reader.ts';
import type { Tally } from './tally.ts';

/** What code passes to {@link startRedisStreamReceiver}. */
export interface RedisStreamReceiverSettings {
  /** `redis://` or `rediss://`. May hold credentials: it is never shown. */
  readonly url: string;
  /** The key that the forwarder adds to. What cannot be read goes to `<stream>:dead`. */
  readonly stream: string;
  readonly group: string;
  readonly consumer: string;
  /** Milliseconds after which the entries of a consumer that does not acknowledge them are taken over. */
  readonly claimAfter: number;
  readonly intake: Intake;
  readonly tally: Tally;
  /** Milliseconds for which runs wait for a Redis that is away. Default 30 s. */
  readonly patience?: number;
}

/** For metrics and readiness. */
export interface RedisStreamStats {
  readonly connected: boolean;
  /** Entries that have still to be read; NaN as long as nobody can tell. A few seconds old, as is `pending`. */
  readonly lag: number;
  /** Entries that a consumer of the group was handed and has not acknowledged. */
  readonly pending: number;
  /** How often entries were trimmed before the group read them. How many there were is in the tally, as `lost`. */
  readonly gaps: number;
  /** Entries that are to be set aside and cannot be at the moment. */
  readonly waiting: number;
  /** Why nothing can be read at the moment. */
  readonly failure: VconOtelError | undefined;
}

export interface RedisStreamReceiver {
  readonly stats: RedisStreamStats;
  /** Finishes what is under way, for at most five seconds. Safe twice. */
  close(): Promise<void>;
}

/**
 * Reads forwarded records off a Redis stream: entries with one field, `record`, that holds the JSON of one. Needs Redis 7.0
 * or later. An entry is acknowledged after what it tells is durable; one that cannot be read is set aside. Begins at once,
 * and goes on trying while Redis is away.
 * @throws VconOtelError `CONFIG_INVALID` where the url is none
 */
export async function startRedisStreamReceiver(
  settings: RedisStreamReceiverSettings,
): Promise<RedisStreamReceiver> {
  const reader = new StreamReader(settings);
  return {
    get stats() {
      return reader.stats;
    },
    close: () => reader.close(),
  };
}
