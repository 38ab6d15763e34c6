import type { Redis } from 'ioredis';
import { withDeadline } from '../model/deadline.ts';
import { errorType } from '../model/error.ts';
import { type Finding, problem } from '../model/finding.ts';
import { shownRedisUrl } from '../model/options/redis-url.ts';
import { createRedis, redisReason } from './redis.ts';

/** A Redis that answers, and what it says about itself. */
export interface RedisServer {
  /** Its url, without secrets. */
  readonly place: string;
  readonly version: string;
  /** What it does when its memory is full. */
  readonly policy: string;
  /** Sends it a command. @throws the client's error */
  ask<T>(command: (redis: Redis) => Promise<T>): Promise<T>;
}

/**
 * Connects, asks, and disconnects; nothing is tried twice. Any failure is a finding.
 * @param option path of the option that has the url, for the error
 * @param timeout milliseconds for connecting, and for each answer
 * @throws VconOtelError `CONFIG_INVALID` if the url is not one
 */
export async function probeRedis(
  url: string,
  option: string,
  timeout: number,
  look: (server: RedisServer) => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  const place = shownRedisUrl(url);
  const redis = createRedis({ url, option, timeout, reconnects: false });
  let lastError: unknown;
  redis.on('error', (error: unknown) => {
    lastError = error;
  });
  const ask: RedisServer['ask'] = (command) => withDeadline(command(redis), timeout, 'Redis');
  try {
    await withDeadline(redis.connect(), timeout, 'connecting');
    await ask(() => redis.ping());
    const info = `${await ask(() => redis.info('server'))}\n${await ask(() => redis.info('memory'))}`;
    const value = (key: string) => new RegExp(`^${key}:(\\S+)`, 'm').exec(info)?.[1] ?? '';
    return await look({ place, version: value('redis_version'), policy: value('maxmemory_policy'), ask });
  } catch (error) {
    // The client reports why a connection failed before it reports that the connection is closed.
    const reason = redisReason(errorType(error) === 'ReplyError' ? error : (lastError ?? error));
    return [problem(`Redis at ${place} cannot be used (${reason})`, adviceFor(reason))];
  } finally {
    redis.disconnect();
  }
}

function adviceFor(reason: string): string {
  if (reason === 'WRONGPASS' || reason === 'NOAUTH') return 'look at user and password in the url';
  if (reason === 'NOPERM') return 'the user of the url needs more rights: PING, INFO, and those on the keys';
  return 'see that it runs, and that host and port are right';
}
