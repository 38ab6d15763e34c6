import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { inspect } from 'node:util';
import { diag } from '@opentelemetry/api';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { redisVconStore } from '../../src/vcon-store/index.ts';
import { describeWithRedis, type RedisServer, sharedRedis, startRedisServer } from '../redis-server.ts';
import { CONTEXT, vconQueueContract, vconStoreContract } from './contract.ts';
import { startRedisJsonFront } from './redis-json-front.ts';

const logged: string[] = [];

beforeAll(() => {
  const write = (...parts: unknown[]) => void logged.push(parts.map(String).join(' '));
  diag.setLogger({ error: write, warn: write, info: write, debug: write, verbose: write });
});

afterAll(() => diag.disable());

describeWithRedis('the store in Redis', () => {
  let server: RedisServer;
  let admin: Redis;

  beforeAll(async () => {
    server = await sharedRedis();
    admin = new Redis(server.url);
  });

  beforeEach(() => admin.flushdb());

  afterAll(async () => {
    admin?.disconnect();
    await server?.stop();
  });

  const open = async () => redisVconStore({ url: server.url });

  vconStoreContract(open);
  vconQueueContract(open);

  describe('that has RedisJSON', () => {
    let front: Awaited<ReturnType<typeof startRedisJsonFront>>;

    beforeAll(async () => {
      front = await startRedisJsonFront(server.port);
    });

    afterAll(() => front?.stop());

    test('documents are read and written with its commands', async () => {
      const store = redisVconStore({ url: `${front.url}${new URL(server.url).pathname}` });
      await admin.set('vcon:v-1', '{"uuid":"v-1","subject":"Grüße"}', 'EX', 500);
      expect(await store.read('v-1')).toBe('{"uuid":"v-1","subject":"Grüße"}');
      await store.write('v-1', '{"uuid":"v-1","subject":"你好"}');
      expect(await admin.get('vcon:v-1')).toBe('{"uuid":"v-1","subject":"你好"}');
      expect(await store.read('v-1')).toBe('{"uuid":"v-1","subject":"你好"}');
      expect(await store.read('gone')).toBeUndefined();
      await store.close();
    });
  });

  test('a new document lasts an hour, as the conserver has it', async () => {
    const store = await open();
    await store.write('v-1', '{}');
    expect(await admin.ttl('vcon:v-1')).toBeGreaterThan(3_500);
    expect(await admin.ttl('vcon:v-1')).toBeLessThanOrEqual(3_600);
    await store.close();
  });

  test('a document keeps its expiry, or that it has none, when it is written again', async () => {
    const store = await open();
    await admin.set('vcon:v-1', '{}', 'EX', 500_000);
    await admin.set('vcon:v-2', '{}');
    await store.write('v-1', '{"n":1}');
    await store.write('v-2', '{"n":2}');
    expect(await admin.ttl('vcon:v-1')).toBeGreaterThan(400_000);
    expect(await admin.ttl('vcon:v-2')).toBe(-1);
    expect(await store.read('v-2')).toBe('{"n":2}');
    await store.close();
  });

  test('a key of any other type reads as undefined, is not overwritten, and is reported without its name', async () => {
    const store = await open();
    await admin.hset('vcon:canary-key', 'a', 'b');
    expect(await store.read('canary-key')).toBeUndefined();
    await expect(store.write('canary-key', '{}')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await admin.hget('vcon:canary-key', 'a')).toBe('b');
    expect(logged.join('\n')).toContain('a vCon key in Redis holds no document');
    expect(logged.join('\n')).not.toContain('canary');
    await store.close();
  });

  test('a context is written as the conserver writes it, and before the uuid can be seen', async () => {
    const store = await open();
    const monitor = await admin.monitor();
    const commands: string[][] = [];
    monitor.on('monitor', (_time: string, args: string[]) => commands.push(args));
    const done = new Promise<void>((resolve) => {
      monitor.on('monitor', (_time: string, [name]: string[]) => name === 'exec' && resolve());
    });
    await store.push('egress', 'v-1', CONTEXT);
    await done;
    monitor.disconnect();
    const start = commands.findIndex(([name]) => name === 'multi');
    expect(commands.slice(start).map(([name, key]) => (key ? `${name} ${key}` : name))).toEqual([
      'multi',
      'rpush context:egress:v-1',
      'expire context:egress:v-1',
      'rpush egress',
      'exec',
    ]);
    const [text = ''] = await admin.lrange('context:egress:v-1', 0, -1);
    expect(JSON.parse(text)).toEqual({
      trace_id: CONTEXT.traceId,
      span_id: CONTEXT.spanId,
      trace_flags: 1,
      is_sampled: true,
    });
    expect(await admin.ttl('context:egress:v-1')).toBeGreaterThan(86_000);
    await store.close();
  });

  test('nothing of a vCon that was taken stays in Redis', async () => {
    const store = await open();
    await store.push('egress', 'v-1', CONTEXT);
    await store.pop('egress');
    expect(await admin.keys('*')).toEqual([]);
    await store.close();
  });

  test.each([
    'canary',
    '',
    'null',
    '[]',
    '{"__proto__":{"trace_id":"canary"}}',
    JSON.stringify({ trace_id: 'canary', span_id: CONTEXT.spanId, trace_flags: 1 }),
    JSON.stringify({ trace_id: '0'.repeat(32), span_id: CONTEXT.spanId, trace_flags: 1 }),
    JSON.stringify({ trace_id: CONTEXT.traceId, span_id: CONTEXT.spanId, trace_flags: 'canary' }),
  ])(
    'a malformed context (%s) is left out and reported, and the uuid is taken all the same',
    async (text) => {
      const store = await open();
      await admin.rpush('context:ingress:v-1', text);
      await admin.rpush('ingress', 'v-1');
      expect(await store.pop('ingress')).toEqual({ uuid: 'v-1' });
      expect(await admin.exists('context:ingress:v-1')).toBe(0);
      expect(logged.join('\n')).toContain('the trace context of a queued vCon could not be read');
      expect(logged.join('\n')).not.toContain('canary');
      await store.close();
    },
  );

  test('a context key of another type does not lose the uuid', async () => {
    const store = await open();
    await admin.set('context:ingress:v-1', 'x');
    await admin.rpush('ingress', 'v-1');
    expect(await store.pop('ingress')).toEqual({ uuid: 'v-1' });
    await store.close();
  });

  test('the document of a dead letter lasts a week, and never shorter than before', async () => {
    const store = await open();
    await store.write('v-1', '{}');
    await admin.set('vcon:v-2', '{}');
    await admin.set('vcon:v-3', '{}', 'EX', 900_000);
    for (const uuid of ['v-1', 'v-2', 'v-3']) await store.deadLetter('ingress', uuid);
    expect(await admin.ttl('vcon:v-1')).toBeGreaterThan(604_000);
    expect(await admin.ttl('vcon:v-2')).toBe(-1);
    expect(await admin.ttl('vcon:v-3')).toBeGreaterThan(800_000);
    expect(await admin.lrange('DLQ:ingress', 0, -1)).toEqual(['v-1', 'v-2', 'v-3']);
    await store.close();
  });

  test('a list key of another type is refused, and nothing crashes', async () => {
    const store = await open();
    await admin.set('ingress', 'canary');
    for (const call of [
      store.push('ingress', 'v-1'),
      store.push('ingress', 'v-1', CONTEXT),
      store.pop('ingress'),
    ])
      await expect(call).rejects.toThrow(
        expect.objectContaining({ code: 'STORE_UNAVAILABLE', message: expect.stringContaining('WRONGTYPE') }),
      );
    await store.close();
  });

  test('while Redis is away calls fail, nothing is sent later, and once it is back they work', async () => {
    const first = await startRedisServer();
    const store = redisVconStore({ url: first.url, timeout: 2_000 });
    await store.write('v-1', '{"n":1}');
    await first.stop();
    const calls = [
      store.read('v-1'),
      store.write('v-2', '{}'),
      store.push('ingress', 'a'),
      store.pop('ingress'),
    ];
    for (const call of await Promise.allSettled(calls))
      expect(call).toMatchObject({ status: 'rejected', reason: { code: 'STORE_UNAVAILABLE' } });
    // The first calls can still find the old connection, which is on its way out.
    await expect.poll(() => store.read('v-1').catch(String)).toContain('ECONNREFUSED');
    expect(logged.join('\n')).toContain('Redis is unavailable: ECONNREFUSED');
    expect(logged.join('\n')).not.toContain(String(first.port));
    const second = await startRedisServer(first.port);
    await expect.poll(() => store.read('v-1').catch(String)).toBeUndefined();
    expect(await store.pop('ingress')).toBeUndefined();
    await store.write('v-1', '{"n":2}');
    expect(await store.read('v-1')).toBe('{"n":2}');
    await store.close();
    await second.stop();
  });

  test('a store that is made before Redis is there works when it comes', async () => {
    const gone = await startRedisServer();
    await gone.stop();
    const store = redisVconStore({ url: gone.url, timeout: 120_000 });
    const early = store.read('v-1');
    const server = await startRedisServer(gone.port);
    expect(await early).toBeUndefined();
    await store.close();
    await server.stop();
  });

  test('a wrong password is named by its code, and shown nowhere', async () => {
    const locked = await startRedisServer(undefined, ['--requirepass', 'right']);
    const store = redisVconStore({
      url: `redis://:canary-password@127.0.0.1:${locked.port}`,
      timeout: 500,
    });
    const failures: unknown[] = [];
    const refused = () => store.read('canary-uuid').catch((error: unknown) => void failures.push(error));
    // A call may be over before Redis has said so.
    await expect
      .poll(() => refused().then(() => failures.at(-1)))
      .toMatchObject({
        code: 'STORE_UNAVAILABLE',
        message: expect.stringContaining('WRONGPASS'),
      });
    expect(inspect(failures) + logged.join('\n')).not.toMatch(/canary/);
    await store.close();
    await locked.stop();
  });

  test('calls at the same time are all answered', async () => {
    const store = await open();
    await Promise.all(Array.from({ length: 200 }, (_, n) => store.write(`v-${n}`, `${n}`)));
    const texts = await Promise.all(Array.from({ length: 200 }, (_, n) => store.read(`v-${n}`)));
    expect(texts).toEqual(Array.from({ length: 200 }, (_, n) => `${n}`));
    await store.close();
  });

  test('a closed store refuses', async () => {
    const store = await open();
    await store.read('v-1');
    await store.close();
    await expect(store.read('v-1')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});

describe('a Redis that never answers', () => {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => sockets.add(socket.on('error', () => undefined)));
  let url: string;

  beforeAll(async () => {
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    url = `redis://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  });

  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  });

  afterAll(() => void silent.close());

  test('is given up, each call by itself', async () => {
    const store = redisVconStore({ url, timeout: 200 });
    for (const call of await Promise.allSettled([store.read('a'), store.pop('b')]))
      expect(call).toMatchObject({ status: 'rejected', reason: { code: 'STORE_UNAVAILABLE' } });
    await store.close();
  });

  test('does not hold up closing, and closing ends what waits for it', async () => {
    const store = redisVconStore({ url, timeout: 600_000 });
    const waiting = expect(store.read('a')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await store.close();
    await store.close();
    await waiting;
  });
});

test.each(['redis://canary:99999999', 'redis://%zz:canary@127.0.0.1'])(
  'a url that is none is refused without being shown (%#)',
  (url) => {
    const failure = (() => {
      try {
        return redisVconStore({ url });
      } catch (error) {
        return error;
      }
    })();
    expect(failure).toMatchObject({ code: 'CONFIG_INVALID', path: 'vcon_store.url' });
    expect(inspect(failure)).not.toContain('canary');
  },
);
