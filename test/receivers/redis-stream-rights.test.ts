import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { probe } from '../../src/receivers/redis-stream/probe.ts';
import { recordLog } from '../exporters/recorded-log.ts';
import { describeWithRedis } from '../redis-server.ts';
import { eventually } from '../support/eventually.ts';
import { GROUP, STREAM, StreamStand } from './stream-stand.ts';

const OPERATIONS = new URL('../../docs/operations.md', import.meta.url);

/** What docs/operations.md says that the adapter's user needs, for this stream and group. */
function documentedRights(): string[] {
  const text = readFileSync(OPERATIONS, 'utf8');
  const [, rights = ''] = /^ACL SETUSER adapter on >SECRET ([^`]+)```/m.exec(text) ?? [];
  return rights
    .trim()
    .split(/\s+/)
    .map((right) => right.replaceAll('vcon-otel:events', STREAM));
}

describeWithRedis('a Redis with an ACL', () => {
  let log: ReturnType<typeof recordLog>;
  beforeEach(() => {
    log = recordLog();
  });
  afterEach(() => log.stop());

  /** The url of a user who may do what is documented, less some of it. */
  async function userWith(stand: StreamStand, without: readonly string[] = []): Promise<string> {
    const rights = documentedRights();
    expect(rights.length).toBeGreaterThan(20);
    for (const right of without) expect(rights).toContain(right);
    const given = rights.filter((right) => !without.includes(right));
    await stand.writer.call('ACL', 'SETUSER', 'adapter', 'reset', 'on', '>secret', ...given);
    return stand.server.url.replace('redis://', 'redis://adapter:secret@');
  }

  test('is read with exactly the rights that are documented, set aside and acknowledged', async () => {
    await using stand = await StreamStand.startOwn();
    const url = await userWith(stand);
    const { sink, receiver } = await stand.receive({ url });
    await stand.write(0, 50);
    await stand.add('no record');
    await stand.settled();
    expect(sink.distinct).toBe(50);
    expect(await stand.dead()).toHaveLength(1);
    expect(receiver.stats.failure).toBeUndefined();
    const found = await probe({ url, stream: STREAM, group: GROUP }, 60_000);
    expect(found.filter(({ state }) => state === 'fault')).toEqual([]);
  });

  test.each([
    '+multi',
    '+exec',
    '+watch',
    '+xreadgroup',
    '+xack',
    '+pexpire',
    '+set',
    '+xinfo',
    '+xautoclaim',
  ])(
    'without %s: it is named at the start, nothing is handed out, and a line says when all is well again',
    async (right) => {
      await using stand = await StreamStand.startOwn();
      await stand.write(0, 10);
      const url = await userWith(stand, [right]);
      const { sink, counts, receiver } = await stand.receive({ url });
      const failure = await eventually('it is told', () => receiver.stats.failure);
      expect(failure.message).toContain(`its user lacks the rights ${right}`);
      expect(receiver.troubles?.().join()).toContain(right);
      const found = await probe({ url, stream: STREAM, group: GROUP }, 60_000);
      expect(found.some(({ state, text }) => state === 'fault' && text.includes(right))).toBe(true);
      expect(await stand.pending()).toEqual([]);

      await userWith(stand);
      await eventually('all is read', () => sink.distinct === 10 || undefined);
      expect(sink.records).toHaveLength(10);
      expect(counts.of('records', 'lost')).toBe(0);
      expect(log.lines.join('\n')).toContain('the stream is read again');
      expect(receiver.stats.failure).toBeUndefined();
    },
  );

  test('a user who may do nothing at all is told of', async () => {
    await using stand = await StreamStand.startOwn();
    await stand.writer.call('ACL', 'SETUSER', 'nobody', 'reset', 'on', '>secret');
    const url = stand.server.url.replace('redis://', 'redis://nobody:secret@');
    const { receiver } = await stand.receive({ url });
    const failure = await eventually('it is told', () => receiver.stats.failure);
    expect(failure.code).toBe('STORE_UNAVAILABLE');
  });

  test('the minimal user cannot reach anything else', async () => {
    await using stand = await StreamStand.startOwn();
    const url = await userWith(stand);
    const redis = new Redis(url, { protocol: 2 });
    await expect(redis.get('vcon:secret')).rejects.toThrow('NOPERM');
    await expect(redis.call('FLUSHALL')).rejects.toThrow('NOPERM');
    redis.disconnect();
  });
});
