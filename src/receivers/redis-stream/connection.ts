import type { Redis } from 'ioredis';
import type { VconOtelError } from '../../model/error.ts';
import { redisFailure, redisReason } from '../../persistence/redis.ts';
import { type RedisClient, type RedisClientSettings, redisClient } from '../../persistence/redis-client.ts';

/** What is asked of a Redis with a stream. */
export interface StreamConnection extends RedisClient {
  /** Sends several commands at once. An error among the replies is one of them. @throws as {@link ask} */
  askAll(add: Add): Promise<readonly CommandReply[]>;
  /** As {@link ask}, but never while something is being watched. */
  askAlone: RedisClient['ask'];
  /** Sends several commands between which nobody else's come. Nothing but reading may be among them. @throws as {@link ask} */
  askTogether(add: Add): Promise<readonly CommandReply[]>;
  /**
   * Sends several commands that are executed together, and only as long as a key is as it should be: nothing can change it
   * between the look and the commands (`WATCH`).
   * @returns undefined where it is not, and nothing was executed
   * @throws as {@link ask}
   */
  askWhile(
    key: string,
    is: (seen: SeenKey) => boolean,
    add: Add,
  ): Promise<readonly CommandReply[] | undefined>;
}

/** A key as it is. */
export interface SeenKey {
  readonly value: string | undefined;
  /** Milliseconds until it goes; negative where it is not there, or stays. */
  readonly ttl: number;
}

export type Commands = ReturnType<Redis['pipeline']>;

export type Add = (commands: Commands) => Commands;

export type CommandReply = readonly [error: Error | null, reply: unknown];

/** @throws VconOtelError `CONFIG_INVALID` where the url is none */
export function connectToStream(
  settings: Pick<RedisClientSettings, 'url' | 'timeout' | 'log'> & { readonly closing: AbortSignal },
): StreamConnection {
  const client = redisClient({
    ...settings,
    option: 'receivers.redis_stream.url',
    name: NAME,
    patience: FIND,
  });
  const { ask } = client;
  let newest: Promise<unknown> = Promise.resolve();
  /** Any transaction on a connection ends what another has begun to watch there. */
  const alone = <T>(task: () => Promise<T>): Promise<T> => {
    const done = newest.then(task);
    newest = done.catch(() => undefined);
    return done;
  };

  async function askWhile(key: string, is: (seen: SeenKey) => boolean, add: Add) {
    const look = await ask((redis) => watching(redis, key).exec());
    // Nothing is being watched on a connection that was made after the answer.
    const { generation } = client;
    if (!is(seenIn(look))) {
      await ask((redis) => redis.unwatch());
      return undefined;
    }
    return ask(async (redis) => {
      if (client.generation !== generation) throw unavailable(ANOTHER);
      const replies = await transact(redis, add);
      if (replies !== OUT_OF_MEMORY) return replies ?? undefined;
      // Then nobody can write to the key either, so that a second look will do.
      const answers = (await add(redis.pipeline()).get(key).pttl(key).exec()) ?? [];
      return is(seenIn([undefined, ...answers.slice(-2)])) ? answers.slice(0, -2) : undefined;
    });
  }

  return Object.assign(client, {
    askAll: async (add: Add) => (await ask((redis) => add(redis.pipeline()).exec())) ?? [],
    askAlone: <T>(command: (redis: Redis) => Promise<T>) => alone(() => ask(command)),
    askTogether: (add: Add) =>
      alone(() =>
        ask(async (redis) => {
          const replies = await transact(redis, add);
          // Nobody adds to the stream then, and thereby trims it: the same commands in one piece do as well.
          return (replies === OUT_OF_MEMORY ? await add(redis.pipeline()).exec() : replies) ?? [];
        }),
      ),
    askWhile: (...args: Parameters<typeof askWhile>) => alone(() => askWhile(...args)),
  });
}

/** @param why the client's error, or words of ours */
export function unavailable(why: unknown): VconOtelError {
  return redisFailure(NAME, why);
}

/** The reply to a command that was sent with others. @throws VconOtelError `STORE_UNAVAILABLE` */
export function replyValue(reply: CommandReply | undefined): unknown {
  if (!reply) throw unavailable('an unexpected reply');
  const [error, value] = reply;
  if (error) throw unavailable(error);
  return value;
}

/** In errors. */
const NAME = 'the stream in Redis';
/** Milliseconds for which a command waits for a connection: its caller has more to do than wait. */
const FIND = 1_000;
const ANOTHER = 'it was connected anew';
const OUT_OF_MEMORY = 'out of memory';

/** A Redis that is out of memory takes no `MULTI`, whatever is in it. @returns null where a key that is watched was changed */
async function transact(redis: Redis, add: Add): Promise<CommandReply[] | null | typeof OUT_OF_MEMORY> {
  try {
    return await add(redis.multi()).exec();
  } catch (error) {
    if (redisReason(error) !== 'EXECABORT') throw error;
    return OUT_OF_MEMORY;
  }
}

function watching(redis: Redis, key: string): Commands {
  // The client's types do not know it of a pipeline.
  return redis.pipeline([
    ['watch', key],
    ['get', key],
    ['pttl', key],
  ]);
}

/** The replies to `WATCH` (or anything), `GET` and `PTTL`. */
function seenIn(replies: readonly (CommandReply | undefined)[] | null): SeenKey {
  const [watched, value, ttl] = replies ?? [];
  if (watched) replyValue(watched);
  const found = replyValue(value);
  return { value: typeof found === 'string' ? found : undefined, ttl: Number(replyValue(ttl)) };
}
