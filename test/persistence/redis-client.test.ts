import { once } from 'node:events';
import { createServer } from 'node:net';
import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ThrottledLog } from '../../src/model/throttled-log.ts';
import {
  type RedisClient,
  type RedisClientSettings,
  redisClient,
} from '../../src/persistence/redis-client.ts';
import { redisVconStore } from '../../src/vcon-store/index.ts';
import { recordLog } from '../exporters/recorded-log.ts';
import { describeWithRedis, type RedisServer, startRedisServer } from '../redis-server.ts';
import { eventually } from '../support/eventually.ts';
import { switchedAddress } from './switched-address.ts';

let log: ReturnType<typeof recordLog>;
beforeAll(() => {
  log = recordLog();
});
afterAll(() => log.stop());

const clients: RedisClient[] = [];
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

function started(url: string, settings: Partial<RedisClientSettings> = {}): RedisClient {
  const client = redisClient({
    url,
    option: 'somewhere.url',
    name: 'the test in Redis',
    timeout: 2_000,
    log: new ThrottledLog('vcon-otel/test'),
    ...settings,
  });
  clients.push(client);
  return client;
}

const failed = (reason: string) => ({
  code: 'STORE_UNAVAILABLE',
  message: `the test in Redis failed: ${reason}`,
});

describeWithRedis('a Redis', () => {
  let server: RedisServer;
  let admin: Redis;
  beforeAll(async () => {
    server = await startRedisServer();
    admin = new Redis(server.url);
  });
  beforeEach(() => admin.flushall());
  afterAll(async () => {
    admin?.disconnect();
    await server?.stop();
  });

  test('is connected to with the first command', async () => {
    const client = started(server.url);
    expect([client.isConnected, client.generation]).toEqual([false, 0]);
    expect(await client.ask((redis) => redis.incr('n'))).toBe(1);
    expect([client.isConnected, client.generation]).toEqual([true, 1]);
  });

  test('that closes the connection is connected to again, and nothing is sent twice', async () => {
    const client = started(server.url);
    await client.ask((redis) => redis.client('SETNAME', 'under-test'));
    const waiting = client.ask((redis) => redis.blpop('list', 0)).catch((error: unknown) => error);
    const blocked = async () =>
      /name=under-test .*flags=b/.test(String(await admin.client('LIST'))) || undefined;
    await eventually('the command waits', blocked);
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    expect(await waiting).toMatchObject(failed('no connection'));
    await admin.rpush('list', 'a');
    expect(await client.ask((redis) => redis.llen('list'))).toBe(1);
    expect(client.generation).toBe(2);
  });

  test('that refuses a command is named by its code, and neither words nor arguments get out', async () => {
    await admin.set('text', 'x');
    const failure = await started(server.url)
      .ask((redis) => redis.rpush('text', 'canary'))
      .catch((error: unknown) => error);
    expect(failure).toMatchObject(failed('WRONGTYPE'));
    expect(inspect(failure, { depth: 9 }) + log.lines.join('\n')).not.toContain('canary');
  });

  test('whose answer takes too long is not waited for', async () => {
    const client = started(server.url, { timeout: 100 });
    await expect(client.ask((redis) => redis.blpop('list', 0))).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    });
  });

  test('that has become a replica is left for the new primary, to which the name leads by now', async () => {
    await using address = await switchedAddress(server.port);
    const url = `redis://127.0.0.1:${address.port}`;
    const client = started(url);
    const store = redisVconStore({ url });
    await client.ask((redis) => redis.set('key', 'before'));
    await store.write('v-1', '{"n":1}');
    const primary = await startRedisServer();
    try {
      address.leadTo(primary.port);
      await admin.replicaof('127.0.0.1', primary.port);
      await expect(client.ask((redis) => redis.set('key', 'after'))).rejects.toMatchObject(
        failed('READONLY'),
      );
      await expect(store.write('v-1', '{"n":2}')).rejects.toThrow('READONLY');
      const again = <T>(work: () => Promise<T>) =>
        eventually('it is written', () => work().catch(() => undefined));
      expect(await again(() => client.ask((redis) => redis.set('key', 'after')))).toBe('OK');
      await again(() => store.write('v-1', '{"n":2}').then(() => true));
      const other = new Redis(primary.url);
      expect(await other.mget('key', 'vcon:v-1')).toEqual(['after', '{"n":2}']);
      other.disconnect();
    } finally {
      await store.close();
      await admin.replicaof('NO', 'ONE');
      await primary.stop();
    }
  });

  test('is closed once, and asked nothing more', async () => {
    const client = started(server.url);
    await client.ask((redis) => redis.ping());
    await Promise.all([client.close(), client.close()]);
    expect(client.isConnected).toBe(false);
    await expect(client.ask((redis) => redis.ping())).rejects.toMatchObject(failed('it is closed'));
    const names = async () =>
      String(await admin.client('LIST'))
        .trim()
        .split('\n').length;
    expect(await eventually('it is disconnected', async () => (await names()) === 1 || undefined)).toBe(true);
  });
});

describe('a Redis that never answers', () => {
  const silent = createServer((socket) => socket.on('error', () => undefined));
  let url: string;
  beforeAll(async () => {
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    url = `redis://:canary@127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  });
  afterAll(() => void silent.close());

  test('is waited for no longer than patience lasts', async () => {
    const client = started(url, { timeout: 600_000, patience: 100 });
    await expect(client.ask((redis) => redis.ping())).rejects.toMatchObject(failed('TIMEOUT'));
  });

  test('is no more waited for when closing begins', async () => {
    const closing = new AbortController();
    const client = started(url, { timeout: 600_000, closing: closing.signal });
    const waiting = client.ask((redis) => redis.ping());
    closing.abort();
    await expect(waiting).rejects.toMatchObject(failed('it is closed'));
    await expect(client.ask((redis) => redis.ping())).rejects.toMatchObject(failed('it is closed'));
  });

  test('does not hold up closing, which ends what waits for it', async () => {
    const client = started(url, { timeout: 600_000 });
    const waiting = expect(client.ask((redis) => redis.ping())).rejects.toMatchObject(failed('it is closed'));
    await client.close();
    await waiting;
  });
});

test('one that is not there is named by its code, without the url', async () => {
  const client = started('redis://:canary@127.0.0.1:1', { patience: 200 });
  await expect(client.ask((redis) => redis.ping())).rejects.toMatchObject(failed('ECONNREFUSED'));
  expect(log.lines.at(-1)).toMatch(/^vcon-otel\/test Redis is unavailable: ECONNREFUSED/);
  expect(log.lines.join('\n')).not.toMatch(/canary|127\.0\.0\.1/);
});

test.each(['redis://canary:99999999', 'http://canary', 'canary'])(
  'a url that is none is refused unseen (%#)',
  (url) => {
    const failure = (() => {
      try {
        return started(url);
      } catch (error) {
        return error;
      }
    })();
    expect(failure).toMatchObject({ code: 'CONFIG_INVALID', path: 'somewhere.url' });
    expect(inspect(failure)).not.toContain('canary');
  },
);
