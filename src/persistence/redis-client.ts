import type { Redis } from 'ioredis';
import { withDeadline } from '../model/deadline.ts';
import { VconOtelError } from '../model/error.ts';
import type { ThrottledLog } from '../model/throttled-log.ts';
import { createRedis, redisFailure, redisReason } from './redis.ts';

/** What code passes to {@link redisClient}. */
export interface RedisClientSettings {
  /** `redis://`, or `rediss://` for TLS. May hold credentials: it is never shown. */
  readonly url: string;
  /** Path of the option that has the url, for the error. */
  readonly option: string;
  /** What its user calls it, for errors: `the vCon store in Redis`. */
  readonly name: string;
  /** Milliseconds that connecting, and then each command, may take. */
  readonly timeout: number;
  /** How many milliseconds a command waits for a connection. Default `timeout`. */
  readonly patience?: number;
  /** When it aborts, no command waits for a connection any longer. */
  readonly closing?: AbortSignal;
  /** Where lost connections are logged. */
  readonly log: ThrottledLog;
}

/** A client whose every answer has a deadline, and whose every error is ours. It reconnects by itself. */
export interface RedisClient {
  readonly isConnected: boolean;
  /** How many connections have been made: anything learnt about the server holds for one of them only. */
  readonly generation: number;
  /** @throws VconOtelError `STORE_UNAVAILABLE`, with the code of Redis's reply but not its text */
  ask<T>(command: (redis: Redis) => Promise<T>): Promise<T>;
  /** Fails waiting commands, and disconnects within half a second. Safe twice. */
  close(): Promise<void>;
}

/** Milliseconds that disconnecting may take. */
const CLOSING = 500;

/**
 * Connects with the first command. A command is never sent twice, so one whose answer is lost may have been executed.
 * @throws VconOtelError `CONFIG_INVALID` if the url is not one
 */
export function redisClient(settings: RedisClientSettings): RedisClient {
  const { name, timeout, patience = timeout, closing, log } = settings;
  const client = createRedis(settings);
  let lastError: unknown = new VconOtelError('TIMEOUT', 'Redis did not answer');
  let ready = Promise.withResolvers<void>();
  let generation = 0;
  let closed: Promise<void> | undefined;
  closing?.addEventListener('abort', () => ready.resolve(), { once: true });
  client.on('ready', () => {
    generation += 1;
    ready.resolve();
    ready = Promise.withResolvers();
  });
  client.on('error', (error: unknown) => {
    lastError = error;
    log.warn('connection', `Redis is unavailable: ${redisReason(error)}`);
  });

  async function ask<T>(command: (redis: Redis) => Promise<T>): Promise<T> {
    requireOpen();
    if (client.status !== 'ready') await connected();
    requireOpen();
    try {
      return await withDeadline(command(client), timeout, 'Redis');
    } catch (error) {
      throw redisFailure(name, error);
    }
  }

  async function connected(): Promise<void> {
    if (closing?.aborted) throw redisFailure(name, CLOSED);
    if (client.status === 'wait' || client.status === 'end') client.connect().catch(() => undefined);
    try {
      await withDeadline(ready.promise, patience, 'Redis');
    } catch {
      throw redisFailure(name, lastError);
    }
    if (closing?.aborted) throw redisFailure(name, CLOSED);
  }

  function requireOpen(): void {
    if (closed) throw redisFailure(name, CLOSED);
  }

  async function disconnect(): Promise<void> {
    ready.resolve();
    // Between two attempts there is no connection to wait for.
    const isEnding = client.status !== 'end' && client.status !== 'reconnecting';
    const ended = new Promise((resolve) => client.once('end', resolve));
    client.disconnect();
    if (isEnding) await withDeadline(ended, CLOSING, 'disconnecting').catch(() => undefined);
  }

  return {
    get isConnected() {
      return client.status === 'ready' && !closed;
    },
    get generation() {
      return generation;
    },
    ask,
    close: () => {
      closed ??= disconnect();
      return closed;
    },
  };
}

const CLOSED = 'it is closed';
