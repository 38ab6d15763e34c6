import { setMaxListeners } from 'node:events';
import { Redis } from 'ioredis';
import { withDeadline } from '../../model/deadline.ts';
import { errorType, VconOtelError } from '../../model/error.ts';
import { RarelyLogged } from '../../model/rarely-logged.ts';

/** What code passes to {@link connect}. */
export interface ConnectionSettings {
  /** `redis://` or `rediss://`. May hold credentials: it is never shown. */
  readonly url: string;
  /** Milliseconds that connecting and each command may take. */
  readonly timeout: number;
  /** When it aborts, nobody waits for a connection any more. */
  readonly closing: AbortSignal;
}

/** A client of which every answer has a deadline, and every error is ours. It reconnects by itself. */
export interface Connection {
  readonly connected: boolean;
  /** How often a connection was made: what was learnt about the server holds for one of them. */
  readonly generation: number;
  /** @throws VconOtelError `STORE_UNAVAILABLE`, with the code of Redis' reply and without its words */
  ask(command: (redis: Redis) => Promise<unknown>): Promise<unknown>;
  /** Sends several commands at once. An error among the replies is one of them. @throws as {@link ask} */
  askAll(add: (commands: Commands) => Commands): Promise<readonly Reply[]>;
  /** Sends several commands between which nobody else's come. Nothing but reading may be among them. @throws as {@link ask} */
  askTogether(add: (commands: Commands) => Commands): Promise<readonly Reply[]>;
  close(): void;
}

export type Commands = ReturnType<Redis['pipeline']>;

export type Reply = readonly [error: Error | null, reply: unknown];

/** @throws VconOtelError `CONFIG_INVALID` where the url is none */
export function connect({ url, timeout, closing }: ConnectionSettings): Connection {
  const client = createClient(url, timeout);
  let lastError: unknown = new VconOtelError('TIMEOUT', 'Redis did not answer');
  let ready = Promise.withResolvers<void>();
  let generation = 0;
  let closed = false;
  setMaxListeners(0, closing);
  client.on('ready', () => {
    generation += 1;
    ready.resolve();
    ready = Promise.withResolvers();
  });
  client.on('error', (error: unknown) => {
    lastError = error;
    log.warn('connection', `Redis is unavailable: ${reason(error)}`);
  });

  async function ask<T>(command: (redis: Redis) => Promise<T>): Promise<T> {
    if (client.status !== 'ready') await reconnected();
    try {
      return await withDeadline(command(client), timeout, 'Redis');
    } catch (error) {
      throw unavailable(reason(error));
    }
  }

  async function reconnected(): Promise<void> {
    if (closing.aborted) throw unavailable('it is closed');
    if (client.status === 'wait' || client.status === 'end') client.connect().catch(() => undefined);
    const giveUp = () => ready.reject(unavailable('it is closed'));
    closing.addEventListener('abort', giveUp, { once: true });
    try {
      await withDeadline(ready.promise, FIND, 'Redis');
    } catch {
      throw unavailable(reason(lastError));
    } finally {
      closing.removeEventListener('abort', giveUp);
    }
  }

  return {
    get connected() {
      return client.status === 'ready' && !closed;
    },
    get generation() {
      return generation;
    },
    ask,
    askAll: async (add) => (await ask((redis) => add(redis.pipeline()).exec())) ?? [],
    askTogether: async (add) => (await ask((redis) => transact(redis, add))) ?? [],
    close: () => {
      closed = true;
      client.disconnect();
    },
  };
}

/** Milliseconds for which a command waits for a connection: its caller has more to do than wait. */
const FIND = 1_000;

/** Without a cause: the client's errors carry the arguments of the command, records and passwords included. */
export function unavailable(why: string): VconOtelError {
  return new VconOtelError('STORE_UNAVAILABLE', `the stream in Redis failed: ${why}`);
}

/** The code that a Redis reply opens with (`WRONGPASS`, `OOM`), or the type of any other error. */
export function reason(error: unknown): string {
  const type = errorType(error);
  if (type === 'ReplyError' && error instanceof Error)
    return /^[A-Z]{2,20}(?= )/.exec(error.message)?.[0] ?? type;
  // What the client has no code for: a connection that was lost, closed, or silent.
  return type === 'Error' || type === 'MaxRetriesPerRequestError' ? 'no connection' : type;
}

/**
 * A Redis that is out of memory takes no `MULTI`, whatever is in it. Nobody adds to the stream then, and thereby trims it:
 * the same commands in one piece do as well.
 */
async function transact(redis: Redis, add: (commands: Commands) => Commands): Promise<Reply[] | null> {
  try {
    return await add(redis.multi()).exec();
  } catch (error) {
    if (reason(error) !== 'EXECABORT') throw error;
    return add(redis.pipeline()).exec();
  }
}

const log = new RarelyLogged('vcon-otel/receivers');

function createClient(url: string, timeout: number): Redis {
  try {
    if (!/^rediss?:$/.test(new URL(url).protocol)) throw new Error('another protocol');
    return new Redis(url, {
      lazyConnect: true,
      connectTimeout: timeout,
      // A connection that has gone silent is given up, and with it what still waits for an answer.
      socketTimeout: timeout,
      // Nothing is kept for later or sent twice: what was read twice would count as delivered twice.
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      retryStrategy: (attempt) => Math.random() * Math.min(50 * 2 ** attempt, timeout / 2),
      // After a failover the old name may already lead to the new primary.
      reconnectOnError: (error) => /^(?:READONLY|LOADING|MASTERDOWN)\b/.test(error.message),
      protocol: 2,
      // Milliseconds after which closing no longer waits for the other side.
      disconnectTimeout: 200,
    });
  } catch {
    // Without the cause: the parser's own error quotes the url.
    throw new VconOtelError('CONFIG_INVALID', 'not the url of a Redis server', {
      path: 'receivers.redis_stream.url',
    });
  }
}
