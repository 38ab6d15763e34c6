import type { Redis } from 'ioredis';
import { withDeadline } from '../model/deadline.ts';
import { errorType } from '../model/error.ts';
import { type Finding, fault } from '../model/finding.ts';
import { shownUrl } from '../model/shown-url.ts';

/** A Redis that answers, and what it says of itself. */
export interface RedisServer {
  readonly redis: Redis;
  readonly place: string;
  readonly version: string;
  /** What it does when its memory is full. */
  readonly policy: string;
}

/** Connects, asks, and disconnects; nothing is tried twice. What stands in the way is a finding. */
export async function withRedisServer(
  url: string,
  timeout: number,
  look: (server: RedisServer) => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  const { Redis } = await import('ioredis');
  const place = shownUrl(url);
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: timeout,
    commandTimeout: timeout,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    // The replies are read as lists.
    protocol: 2,
    disconnectTimeout: 200,
  });
  let lastError: unknown;
  redis.on('error', (error: unknown) => {
    lastError = error;
  });
  try {
    await withDeadline(redis.connect(), timeout, 'connecting');
    await redis.ping();
    const info = `${await redis.info('server')}\n${await redis.info('memory')}`;
    const value = (key: string) => new RegExp(`^${key}:(\\S+)`, 'm').exec(info)?.[1] ?? '';
    const server = { redis, place, version: value('redis_version'), policy: value('maxmemory_policy') };
    return await look(server);
  } catch (error) {
    // The client says "closed" where the reason came before.
    const reason = replyCode(error) ?? replyCode(lastError) ?? errorType(lastError ?? error);
    return [fault(`Redis at ${place} cannot be used (${reason})`, adviceFor(reason))];
  } finally {
    redis.disconnect();
  }
}

/** What a refusal opens with: `WRONGPASS`, `NOPERM`. */
function replyCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || errorType(error) !== 'ReplyError') return undefined;
  return /^[A-Z]{2,20}(?= )/.exec(error.message)?.[0];
}

function adviceFor(reason: string): string {
  if (reason === 'WRONGPASS' || reason === 'NOAUTH') return 'look at user and password in the url';
  if (reason === 'NOPERM') return 'the user of the url needs more rights: PING, INFO, and those on the keys';
  return 'see that it runs, and that host and port are right';
}
