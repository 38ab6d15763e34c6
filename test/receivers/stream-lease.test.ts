import { afterAll, beforeAll, expect, test } from 'vitest';
import { probe } from '../../src/receivers/redis-stream/probe.ts';
import { recordLog } from '../exporters/recorded-log.ts';
import { describeWithRedis } from '../redis-server.ts';
import { eventually } from '../support/eventually.ts';
import { KeptIntake } from './forwarded-records.ts';
import { GROUP, STREAM, type Started, StreamStand } from './stream-stand.ts';

let log: ReturnType<typeof recordLog>;
beforeAll(() => {
  log = recordLog();
});
afterAll(() => log.stop());

const KEY = `${STREAM}:${GROUP}:holder`;
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const holds = ({ receiver: { stats } }: Started) => stats.connected && !stats.failure && !stats.holder;

/** As if the holder had given no sign of life for as long as it takes to be replaced. */
async function age(stand: StreamStand): Promise<void> {
  await stand.writer.pexpire(KEY, 7 * 86_400_000 - 15_000);
}

/** Somebody else is written down as the one that reads. */
async function usurp(stand: StreamStand): Promise<void> {
  const holding = { journal: 'journal-9', instance: 'nine', host: 'nine', pid: 9, since: 'then' };
  await stand.writer.set(KEY, JSON.stringify(holding), 'PX', 7 * 86_400_000);
}

async function two(stand: StreamStand, sink = new KeptIntake()): Promise<[Started, Started]> {
  const first = await stand.receive({ sink });
  await stand.write(0, 100);
  await eventually('the first one reads', () => first.sink.distinct === 100 || undefined);
  const second = await stand.receive({ journal: 'journal-2' });
  await eventually('the second one is refused', () => second.receiver.stats.holder);
  return [first, second];
}

describeWithRedis('one adapter alone reads a stream', () => {
  test('another with a journal of its own is refused, and told who reads', async () => {
    await using stand = await StreamStand.start();
    const [first, second] = await two(stand);
    await stand.write(100, 200);
    await stand.settled();
    expect([first.sink.distinct, second.sink.distinct]).toEqual([200, 0]);
    const { stats } = second.receiver;
    expect(stats.failure?.code).toBe('STREAM_IN_USE');
    expect(stats.holder).toMatchObject({ host: expect.any(String), pid: process.pid });
    const [trouble] = second.receiver.troubles?.() ?? [];
    expect(trouble).toMatch(/STREAM_IN_USE.*host .*, process \d+, since \d{4}-/);
    expect(first.receiver.stats).toMatchObject({ failure: undefined, holder: undefined });
  });

  test('of many that start at once', async () => {
    await using stand = await StreamStand.start();
    const sink = new KeptIntake();
    const journals = range(0, 8).map((one) => `journal-${one}`);
    const all = await Promise.all(journals.map((journal) => stand.receive({ journal, sink })));
    for (let from = 0; from < 2_000; from += 100) await stand.write(from, from + 100);
    await stand.settled();
    expect(sink.records).toHaveLength(2_000);
    await eventually('the others are refused', () => {
      return all.filter(({ receiver }) => receiver.stats.holder).length === 7 || undefined;
    });
  });

  test('one that ends in order lets the next go on at once, and nothing comes twice', async () => {
    await using stand = await StreamStand.start();
    const [first, second] = await two(stand);
    await first.receiver.close();
    await stand.write(100, 200);
    await stand.settled();
    expect(second.sink.seqs).toEqual(range(100, 200));
    expect([first.sink.takeOvers, second.sink.takeOvers]).toEqual([0, 1]);
    expect(holds(second)).toBe(true);
  });

  test('one that gives no sign of life is replaced, and what it had not kept comes again, before what is new', async () => {
    await using stand = await StreamStand.start();
    const sink = new KeptIntake();
    const kept = Promise.withResolvers<void>();
    sink.whenDurable = () => kept.promise;
    const [first, second] = await two(stand, sink);
    await stand.write(100, 120);
    await age(stand);
    await eventually('the second one reads', () => second.sink.distinct === 120 || undefined);
    expect(second.sink.seqs).toEqual(range(0, 120));
    expect(second.sink.takeOvers).toBe(1);
    kept.resolve();
    await eventually('the first one finds out', () => first.receiver.stats.holder);
    await stand.settled();
    expect(first.sink.distinct).toBe(100);
  });

  test('one whose place was taken meanwhile acknowledges nothing, and reads nothing', async () => {
    await using stand = await StreamStand.start();
    const sink = new KeptIntake();
    const kept = Promise.withResolvers<void>();
    sink.whenDurable = () => kept.promise;
    const { receiver } = await stand.receive({ sink });
    await stand.write(0, 100);
    await eventually('it reads', () => sink.distinct === 100 || undefined);
    await usurp(stand);
    await stand.write(100, 200);
    kept.resolve();
    await eventually('it finds out', () => receiver.stats.holder);
    expect(receiver.stats.holder).toEqual({ host: 'nine', pid: 9, since: 'then' });
    expect(await stand.pending()).toHaveLength(100);
    expect(sink.distinct).toBe(100);
    await receiver.close();
    expect(await stand.pending()).toHaveLength(100);
    expect(await stand.holder()).toContain('nine');
  });

  test('the same adapter, started again, goes on at once', async () => {
    await using stand = await StreamStand.start();
    const first = await stand.receive();
    await stand.write(0, 10);
    // What is read and not acknowledged yet would be read again.
    await stand.settled();
    const again = await stand.receive();
    await eventually('it reads', () => holds(again) || undefined);
    await eventually('the first one finds out', () => first.receiver.stats.holder);
    await stand.write(10, 20);
    await stand.settled();
    expect([first.sink.distinct, again.sink.seqs]).toEqual([10, range(10, 20)]);
    expect(again.sink.takeOvers).toBe(0);
  });

  test('of a Redis that comes back with nothing, too', async () => {
    await using stand = await StreamStand.startOwn();
    const [first, second] = await two(stand);
    await stand.restart();
    await stand.write(100, 200);
    await stand.settled();
    await eventually('the first one goes on', () => holds(first) || undefined);
    expect([first.sink.distinct, second.sink.distinct]).toEqual([200, 0]);
    await eventually('the second one is refused again', () => second.receiver.stats.holder);
  });

  test('with no more rights than are documented', async () => {
    await using stand = await StreamStand.startOwn();
    const rights = [
      ...['on', '>secret', 'resetkeys', `~${STREAM}`, `~${STREAM}:dead`, `~${KEY}`, '-@all'],
      ...['+xread', '+xreadgroup', '+xack', '+xadd', '+xautoclaim', '+xpending', '+xinfo', '+xgroup'],
      ...['+watch', '+unwatch', '+multi', '+exec', '+get', '+set', '+pttl', '+pexpire'],
      ...['+ping', '+info', '+type', '+xlen'],
    ];
    await stand.writer.call('ACL', 'SETUSER', 'adapter', ...rights);
    const url = stand.server.url.replace('redis://', 'redis://adapter:secret@');
    const first = await stand.receive({ url });
    await stand.add('canary');
    await stand.write(0, 100);
    await stand.settled();
    const second = await stand.receive({ url, journal: 'journal-2' });
    await eventually('the second one is refused', () => second.receiver.stats.holder);
    await first.receiver.close();
    await stand.write(100, 200);
    await stand.settled();
    expect([first.sink.distinct, second.sink.distinct]).toEqual([100, 100]);
    const findings = await probe({ url, stream: STREAM, group: GROUP }, 60_000);
    expect(findings.map(({ state }) => state)).toEqual(['ok', 'ok', 'ok']);
  });
});

describeWithRedis('doctor', () => {
  const look = ({ server }: StreamStand) => probe({ url: server.url, stream: STREAM, group: GROUP }, 60_000);

  test('says who reads, and warns where that is on another machine', async () => {
    await using stand = await StreamStand.start();
    const { receiver } = await stand.receive();
    await stand.write(0, 1);
    await stand.settled();
    expect((await look(stand)).at(-1)).toMatchObject({ state: 'ok', text: /an adapter reads it: host/ });
    await usurp(stand);
    expect((await look(stand)).at(-1)).toMatchObject({
      state: 'warning',
      text: 'an adapter reads it: host nine, process 9, since then (STREAM_IN_USE)',
    });
    await age(stand);
    await receiver.close();
    expect(await look(stand)).toHaveLength(2);
  });
});
