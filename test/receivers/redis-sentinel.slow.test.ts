import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { ReceiverCounts } from '../../src/receivers/counts.ts';
import { startRedisStreamReceiver } from '../../src/receivers/redis-stream/redis-stream-receiver.ts';
import { redisVconStore } from '../../src/vcon-store/redis/redis-vcon-store.ts';
import redisStore from '../../src/vcon-store/redis.ts';
import { describeWithRedis, startRedisServer, startSentinel } from '../redis-server.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/server.ts';
import { KeptIntake, recordText } from './forwarded-records.ts';

// A primary, a replica and a sentinel, each with a password; the primary is killed.

const STREAM = 'events';
const PASSWORD = 'of/redis';
const SENTINEL_PASSWORD = 'of the sentinel';
const BEFORE = 500;
const AFTER = 500;

/** A Redis with a replica, and a sentinel that watches both. */
async function watchedRedis() {
  const own = ['--requirepass', PASSWORD, '--masterauth', PASSWORD, '--repl-diskless-sync-delay', '0'];
  const primary = await startRedisServer(undefined, own);
  onTestFinished(primary.stop);
  const replica = await startRedisServer(undefined, [...own, '--replicaof', `127.0.0.1 ${primary.port}`]);
  onTestFinished(replica.stop);
  const folder = mkdtempSync(join(tmpdir(), 'vcon-otel-sentinel-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'sentinel.conf');
  writeFileSync(
    file,
    [
      `requirepass "${SENTINEL_PASSWORD}"`,
      `sentinel monitor main 127.0.0.1 ${primary.port} 1`,
      `sentinel auth-pass main ${PASSWORD}`,
      'sentinel down-after-milliseconds main 1000',
      'sentinel failover-timeout main 10000',
    ].join('\n'),
  );
  const port = await freePort();
  const sentinel = await startSentinel(file, port);
  onTestFinished(sentinel.stop);
  const query = `sentinel_password=${encodeURIComponent(SENTINEL_PASSWORD)}`;
  // The first of them is not there.
  const hosts = `127.0.0.1:1,127.0.0.1:${port}`;
  return {
    primary,
    replica,
    url: `redis+sentinel://:${encodeURIComponent(PASSWORD)}@${hosts}/main/0?${query}`,
  };
}

const to = (port: number) => new Redis(port, { password: PASSWORD, maxRetriesPerRequest: null });

async function write(port: number, from: number, until: number, copies: number): Promise<void> {
  const writer = to(port);
  for (let seq = from; seq < until; seq++) await writer.xadd(STREAM, '*', 'record', recordText(seq));
  // Redis has them when a replica has.
  if (copies > 0) expect(await writer.wait(copies, 60_000)).toBe(copies);
  writer.disconnect();
}

describeWithRedis('through sentinels', () => {
  test('the stream and the vCon store go on where the primary was replaced, and nothing is lost', async () => {
    const { primary, replica, url } = await watchedRedis();
    const copied = to(replica.port);
    onTestFinished(() => copied.disconnect());
    await eventually('the replica follows', async () =>
      /master_link_status:up/.test(await copied.info('replication')) ? true : undefined,
    );
    const store = redisVconStore({ url, timeout: 2_000 });
    onTestFinished(() => store.close());
    await store.write('any', '{"uuid":"any"}');
    await write(primary.port, 0, BEFORE, 1);

    const sink = new KeptIntake();
    const receiver = await startRedisStreamReceiver({
      url,
      stream: STREAM,
      group: 'vcon-otel',
      consumer: 'one',
      journal: 'journal-1',
      claimAfter: 60_000,
      closeTimeout: 5_000,
      counts: new ReceiverCounts(),
      sink,
    });
    onTestFinished(() => receiver.close());
    await eventually('something is read', () => (sink.distinct > 0 ? true : undefined));
    await primary.stop();

    await eventually('the replica is the primary', async () =>
      /role:master/.test(await copied.info('replication')) ? true : undefined,
    );
    await write(replica.port, BEFORE, BEFORE + AFTER, 0);
    await eventually('all is read', () => (sink.distinct === BEFORE + AFTER ? true : undefined));
    expect(new Set(sink.seqs)).toEqual(new Set(Array.from({ length: BEFORE + AFTER }, (_, seq) => seq)));
    expect(receiver.stats.gaps).toBe(0);
    const read = await eventually('the store answers', () => store.read('any').catch(() => undefined));
    expect(read).toBe('{"uuid":"any"}');
  });

  test('doctor names the sentinels, and no password', async () => {
    const { url } = await watchedRedis();
    const settings = { name: 'redis', timeout: 10_000 };
    const found = await redisStore.probe?.({ url }, settings);
    expect(found).toEqual([
      {
        state: 'ok',
        text: expect.stringMatching(/^Redis \S+ at redis\+sentinel:\/\/127.*\/main\/0 answers$/),
      },
    ]);
    const wrong = await redisStore.probe?.({ url: url.replace('of%2Fredis', 'wrong') }, settings);
    expect(wrong?.[0]).toMatchObject({ state: 'fault', text: expect.stringContaining('WRONGPASS') });
    expect(JSON.stringify([found, wrong])).not.toMatch(/of.{1,3}redis|of.{1,3}the|wrong/);
  });
});
