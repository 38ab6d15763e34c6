import { isSpanContextValid } from '@opentelemetry/api';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { ThrottledLog } from '../../model/throttled-log.ts';
import type { QueuedContext, VconQueue, VconStore } from '../../model/vcon.ts';
import { redisFailure } from '../../persistence/redis.ts';
import { redisClient } from '../../persistence/redis-client.ts';

/** What code passes to {@link redisVconStore}. */
export interface RedisVconStoreSettings {
  /** `redis://` or `rediss://`. May hold credentials: it is never shown. */
  readonly url: string;
  /** Milliseconds that finding a connection, and then each command, may take. Default 5000. */
  readonly timeout?: number;
}

/**
 * The conserver's own Redis (CONSERVER §2). Documents are `vcon:<uuid>`, as a string or as RedisJSON: a write
 * keeps the kind and the expiry of what is there, a new document is a string that lasts an hour. Connects at
 * the first call and reconnects by itself; while Redis is away each call waits `timeout` and then fails. What
 * was sent is never sent again, so a `pop` whose answer is lost may have taken its vCon.
 *
 * All calls throw VconOtelError `STORE_UNAVAILABLE`.
 * @throws VconOtelError `CONFIG_INVALID` where the url is none
 */
export function redisVconStore({ url, timeout = 5_000 }: RedisVconStoreSettings): VconStore & VconQueue {
  const { ask, close } = redisClient({ url, option: 'vcon_store.url', name: NAME, timeout, log });

  return {
    read: async (uuid) => {
      const key = vconKey(uuid);
      const type = await ask((redis) => redis.type(key));
      if (type === 'string') return (await ask((redis) => redis.get(key))) ?? undefined;
      if (type === REDIS_JSON) {
        const text = await ask((redis) => redis.call('JSON.GET', key));
        return typeof text === 'string' ? text : undefined;
      }
      if (type !== 'none') log.warn('type', 'a vCon key in Redis holds no document');
      return undefined;
    },

    write: async (uuid, text) => {
      const key = vconKey(uuid);
      const type = await ask((redis) => redis.type(key));
      if (type === REDIS_JSON) {
        await ask((redis) => redis.call('JSON.SET', key, '$', text));
        return;
      }
      if (type !== 'none' && type !== 'string') throw redisFailure(NAME, 'a vCon key that holds no document');
      // XX: a document that has just expired must not come back without any expiry.
      const kept = type === 'string' && (await ask((redis) => redis.set(key, text, 'KEEPTTL', 'XX')));
      if (!kept) await ask((redis) => redis.set(key, text, 'EX', VCON_TTL));
    },

    push: async (list, uuid, context) => {
      if (!context) {
        await ask((redis) => redis.rpush(list, uuid));
        return;
      }
      const key = contextKey(list, uuid);
      await transact((redis) =>
        redis.multi().rpush(key, writeContext(context)).expire(key, CONTEXT_TTL).rpush(list, uuid),
      );
    },

    pop: async (list) => {
      const uuid = await ask((redis) => redis.lpop(list));
      if (uuid === null) return undefined;
      const context = await popContext(list, uuid);
      return context ? { uuid, context } : { uuid };
    },

    deadLetter: async (list, uuid) => {
      const key = vconKey(uuid);
      const seconds = await ask((redis) => redis.ttl(key));
      await transact((redis) => {
        const multi = redis.multi();
        // Only ever longer: a document without expiry (-1) keeps having none.
        if (seconds >= 0 && seconds < DEAD_LETTER_TTL) multi.expire(key, DEAD_LETTER_TTL);
        return multi.rpush(`DLQ:${list}`, uuid);
      });
    },

    close,
  };

  /** All commands or, where Redis refuses one of them beforehand, none. */
  async function transact(build: (redis: Redis) => ReturnType<Redis['multi']>): Promise<void> {
    const replies = await ask((redis) => build(redis).exec());
    for (const [error] of replies ?? []) if (error) throw redisFailure(NAME, error);
  }

  /** The uuid is already taken by now: whatever is wrong with its context must not lose it. */
  async function popContext(list: string, uuid: string): Promise<QueuedContext | undefined> {
    try {
      const text = await ask((redis) => redis.lpop(contextKey(list, uuid)));
      return text === null ? undefined : readContext(text);
    } catch {
      log.warn('context', 'the trace context of a queued vCon could not be read');
      return undefined;
    }
  }
}

/** In errors. */
const NAME = 'the vCon store in Redis';
/** The `TYPE` of a RedisJSON document. */
const REDIS_JSON = 'ReJSON-RL';
/** Seconds, as the conserver has them (CONSERVER §2). */
const VCON_TTL = 3_600;
const CONTEXT_TTL = 86_400;
const DEAD_LETTER_TTL = 604_800;

const log = new ThrottledLog('vcon-otel/vcon-store');

function vconKey(uuid: string): string {
  return `vcon:${uuid}`;
}

function contextKey(list: string, uuid: string): string {
  return `context:${list}:${uuid}`;
}

const StoredContext = z
  .object({ trace_id: z.string(), span_id: z.string(), trace_flags: z.int().min(0).max(255) })
  .transform((it) => ({ traceId: it.trace_id, spanId: it.span_id, traceFlags: it.trace_flags }))
  .refine(isSpanContextValid);

function writeContext({ traceId, spanId, traceFlags }: QueuedContext): string {
  const sampled = (traceFlags & 1) === 1;
  return JSON.stringify({ trace_id: traceId, span_id: spanId, trace_flags: traceFlags, is_sampled: sampled });
}

function readContext(text: string): QueuedContext {
  return StoredContext.parse(JSON.parse(text));
}
