import { Redis, type RedisOptions } from 'ioredis';
import { backOff } from '../model/back-off.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import { redisUrl, type SentinelPlace, sentinelPlace } from '../model/options/redis-url.ts';

/** How to connect to a Redis. */
export interface RedisSettings {
  /** `redis://`, `redis+sentinel://`, or `rediss` for TLS. May hold credentials: it is never shown. */
  readonly url: string;
  /** Path of the option that has the url, for the error. */
  readonly option: string;
  /** How many milliseconds connecting may take, and how long Redis may be silent while a command waits. */
  readonly timeout: number;
  /** Whether to reconnect when a connection fails or is lost. Default true. */
  readonly reconnects?: boolean;
}

/**
 * Sets up a client that connects on request. A command is sent once, or fails: the client queues nothing.
 * @throws VconOtelError `CONFIG_INVALID` if the url is not one
 */
export function createRedis({ url, option, timeout, reconnects = true }: RedisSettings): Redis {
  const intervals = { initialInterval: 100, maxInterval: timeout / 2 };
  try {
    const sentinel = sentinelPlace(redisUrl.parse(url));
    const retryStrategy = (attempt: number) => (reconnects ? backOff(intervals, attempt, Math.random) : null);
    const common = {
      lazyConnect: true,
      connectTimeout: timeout,
      // Drops a silent connection, and fails the commands that wait for an answer.
      socketTimeout: timeout,
      // The caller may have given up by then, and an entry that is read twice counts as delivered twice.
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      retryStrategy,
      // After a failover the name may already lead to the new primary, but the connection leads to the old one.
      reconnectOnError: (error: Error) =>
        reconnects && /^(?:READONLY|LOADING|MASTERDOWN)\b/.test(error.message),
      // RESP3 changes the replies of RedisJSON and of streams.
      protocol: 2,
      // Milliseconds that closing waits for the other side.
      disconnectTimeout: 200,
    } satisfies RedisOptions;
    return sentinel
      ? new Redis({ ...common, ...throughSentinels(sentinel, timeout), sentinelRetryStrategy: retryStrategy })
      : new Redis(url, common);
  } catch {
    // Without the cause: the parser's error quotes the url.
    throw new VconOtelError('CONFIG_INVALID', 'not the url of a Redis server', { path: option });
  }
}

/** Asks the sentinels which server it is, each time that it connects: they end the connections to one that no longer is. */
function throughSentinels(place: SentinelPlace, timeout: number) {
  const { tls, sentinels, name, db, username, password, sentinelUsername, sentinelPassword } = place;
  return {
    sentinels: sentinels.map((one) => ({ ...one })),
    name,
    db,
    sentinelCommandTimeout: timeout,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(sentinelUsername !== undefined && { sentinelUsername }),
    ...(sentinelPassword !== undefined && { sentinelPassword }),
    ...(tls && { tls: {}, sentinelTLS: {}, enableTLSForSentinelMode: true }),
  } satisfies RedisOptions;
}

/**
 * The error to throw when Redis failed. It has no cause, because the client's errors contain the arguments of the command,
 * documents and passwords included.
 * @param name what its user calls it: `the vCon store in Redis`
 * @param why the client's error, or words of ours
 */
export function redisFailure(name: string, why: unknown): VconOtelError {
  const reason = typeof why === 'string' ? why : redisReason(why);
  return new VconOtelError('STORE_UNAVAILABLE', `${name} failed: ${reason}`);
}

/**
 * Why Redis failed, in one word without secrets: the code at the start of its reply (`WRONGPASS`, `OOM`), or the type of any
 * other error.
 */
export function redisReason(error: unknown): string {
  const type = errorType(error);
  if (type === 'ReplyError' && error instanceof Error)
    return /^[A-Z]{2,20}(?= )/.exec(error.message)?.[0] ?? type;
  // The client has no code for a connection that is lost, closed, or silent.
  return type === 'Error' || type === 'MaxRetriesPerRequestError' ? 'no connection' : type;
}
