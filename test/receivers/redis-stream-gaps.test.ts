import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordLog } from '../exporters/recorded-log.ts';
import { randomOf } from '../faults/random.ts';
import { describeWithRedis } from '../redis-server.ts';
import { eventually } from '../support/eventually.ts';
import { KeptIntake } from './forwarded-records.ts';
import { GROUP, STREAM, type Started, StreamStand } from './stream-stand.ts';

let log: ReturnType<typeof recordLog>;
beforeAll(() => {
  log = recordLog();
});
afterAll(() => log.stop());

const lost = ({ counts }: Started) => counts.of('records', 'lost');

describeWithRedis('entries that are gone before they were read', () => {
  test('are counted once where the group is made on a stream that was trimmed', async () => {
    await using stand = await StreamStand.start();
    await stand.write(0, 100, 'MAXLEN', '30');
    const first = await stand.receive();
    await stand.settled();
    await eventually('they are counted', () => lost(first) === 70 || undefined);
    expect(first.sink.distinct).toBe(30);
    expect(first.receiver.stats.gaps).toBe(1);
    await first.receiver.close();
    await stand.write(100, 110);
    const second = await stand.receive();
    await stand.settled();
    await second.receiver.close();
    expect(second.sink.distinct).toBe(10);
    expect(lost(second)).toBe(0);
    expect(log.lines.join('\n')).toContain('70 entries are lost');
  });

  test('are counted once where the stream was trimmed while nobody read', async () => {
    await using stand = await StreamStand.start();
    await stand.write(0, 10);
    const first = await stand.receive();
    await stand.settled();
    await first.receiver.close();
    await stand.write(10, 100, 'MAXLEN', '20');
    const second = await stand.receive();
    await stand.settled();
    await second.receiver.close();
    expect([second.sink.distinct, lost(second)]).toEqual([20, 70]);
    await stand.write(100, 200, 'MAXLEN', '20');
    const third = await stand.receive();
    await stand.settled();
    await third.receiver.close();
    expect([third.sink.distinct, lost(third)]).toEqual([20, 80]);
  });

  test('are counted while the sink is full', async () => {
    await using stand = await StreamStand.start();
    const sink = new KeptIntake();
    const started = await stand.receive({ sink });
    await stand.write(0, 10);
    await stand.settled();
    sink.full = true;
    await stand.write(10, 100, 'MAXLEN', '20');
    await eventually('they are counted', () => lost(started) === 70 || undefined);
    sink.full = false;
    await stand.settled();
    await started.receiver.close();
    expect([sink.distinct, lost(started)]).toEqual([30, 70]);
  });

  test('are counted where the whole stream was trimmed away', async () => {
    await using stand = await StreamStand.start();
    await stand.write(0, 50);
    await stand.writer.xtrim(STREAM, 'MAXLEN', 0);
    const started = await stand.receive();
    await eventually('they are counted', () => lost(started) === 50 || undefined);
    await stand.write(50, 60);
    await stand.settled();
    await started.receiver.close();
    expect([started.sink.distinct, lost(started)]).toEqual([10, 50]);
  });

  test('are counted where they were deleted, in the middle or at the end', async () => {
    await using stand = await StreamStand.start();
    await stand.write(0, 50);
    const ids = (await stand.writer.xrange(STREAM, '-', '+')).map(([id]) => id);
    await stand.writer.xdel(STREAM, ...ids.slice(10, 15), ...ids.slice(48));
    const started = await stand.receive();
    await stand.settled();
    await eventually('they are counted', () => lost(started) === 7 || undefined);
    expect(started.receiver.stats.lag).toBe(0);
    await started.receiver.close();
    const next = await stand.receive();
    await stand.write(50, 55);
    await stand.settled();
    await next.receiver.close();
    expect([next.sink.distinct, lost(next)]).toEqual([5, 0]);
  });

  test('are counted when all is read, where they were deleted ahead of what is being read', async () => {
    await using stand = await StreamStand.start();
    await stand.write(0, 1_200);
    const sink = new KeptIntake();
    const durable = Promise.withResolvers<void>();
    sink.whenDurable = () => durable.promise;
    const started = await stand.receive({ sink });
    await eventually('a batch is read', () => sink.distinct === 500 || undefined);
    const ids = (await stand.writer.xrange(STREAM, '-', '+')).map(([id]) => id);
    await stand.writer.xdel(STREAM, ...ids.slice(700, 750));
    durable.resolve();
    await eventually('the others are there', () => sink.distinct === 1_150 || undefined);
    expect(lost(started)).toBe(50);
    expect(started.receiver.stats.lag).toBe(0);
  });

  test('are not those that were read and then deleted', async () => {
    await using stand = await StreamStand.start();
    const started = await stand.receive();
    await stand.write(0, 50);
    await stand.settled();
    const ids = (await stand.writer.xrange(STREAM, '-', '+')).map(([id]) => id);
    await stand.writer.xdel(STREAM, ...ids.slice(10, 15));
    await stand.write(50, 60, 'MAXLEN', '10');
    await stand.settled();
    await started.receiver.close();
    expect([started.sink.distinct, lost(started)]).toEqual([60, 0]);
  });

  test('are not counted where nobody knows what was read', async () => {
    await using stand = await StreamStand.start();
    await stand.write(0, 50, 'MAXLEN', '20');
    await stand.writer.xgroup('CREATE', STREAM, GROUP, '$');
    await stand.write(50, 60, 'MAXLEN', '20');
    const started = await stand.receive();
    await stand.settled();
    await started.receiver.close();
    expect([started.sink.distinct, lost(started)]).toEqual([10, 0]);
  });

  test('are counted where this consumer had been handed them', async () => {
    await using stand = await StreamStand.start();
    await stand.write(0, 50);
    await stand.writer.xgroup('CREATE', STREAM, GROUP, '0');
    await stand.writer.xreadgroup('GROUP', GROUP, 'one', 'COUNT', 50, 'STREAMS', STREAM, '>');
    await stand.writer.xtrim(STREAM, 'MAXLEN', 30);
    const started = await stand.receive();
    await stand.settled();
    expect([started.sink.distinct, lost(started)]).toEqual([30, 20]);
  });

  test('are counted where another consumer had been handed them', async () => {
    await using stand = await StreamStand.start();
    await stand.write(0, 50);
    await stand.writer.xgroup('CREATE', STREAM, GROUP, '0');
    await stand.writer.xreadgroup('GROUP', GROUP, 'gone', 'COUNT', 50, 'STREAMS', STREAM, '>');
    await stand.writer.xtrim(STREAM, 'MAXLEN', 30);
    const started = await stand.receive({ claimAfter: 200 });
    await stand.settled();
    await eventually('they are counted', () => lost(started) === 20 || undefined);
    expect(started.sink.distinct).toBe(30);
  });

  test.each([1, 2, 3])(
    'and those that were read are all that were written, under load (%i)',
    async (seed) => {
      const random = randomOf(seed);
      await using stand = await StreamStand.start();
      const sink = new KeptIntake();
      sink.whenDurable = () => new Promise((resolve) => setTimeout(resolve, random() * 20));
      let started = await stand.receive({ sink });
      let written = 0;
      let gone = 0;
      for (let burst = 0; burst < 60; burst++) {
        const next = written + Math.ceil(random() * 900);
        await stand.write(written, next, 'MAXLEN', ...(random() < 0.5 ? ['~'] : []), '300');
        written = next;
        if (random() < 0.1) {
          await started.receiver.close();
          gone += lost(started);
          started = await stand.receive({ sink });
        }
      }
      await stand.settled();
      await started.receiver.close();
      gone += lost(started);
      expect(gone).toBeGreaterThan(0);
      expect(sink.distinct + gone).toBe(written);
      expect(sink.records).toHaveLength(sink.distinct);
    },
  );
});
