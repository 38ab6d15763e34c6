import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordLog } from '../exporters/recorded-log.ts';
import { randomOf } from '../faults/random.ts';
import { describeWithRedis } from '../redis-server.ts';
import { eventually } from '../support/eventually.ts';
import { notUtf8 } from '../support/not-utf8.ts';
import { KeptIntake, recordText } from './forwarded-records.ts';
import { GROUP, STREAM, StreamStand } from './stream-stand.ts';

let log: ReturnType<typeof recordLog>;
beforeAll(() => {
  log = recordLog();
});
afterAll(() => {
  const said = log.lines.join('\n');
  log.stop();
  expect(said).not.toMatch(/canary|redis:|uuid-|transcribe/);
});

const UNREADABLE: readonly (readonly [what: string, text: string, reason: RegExp])[] = [
  ['an empty one', '', /not JSON/],
  ['no JSON', 'canary', /not JSON/],
  ['half a record', recordText(1).slice(0, -9), /not JSON/],
  ['null', 'null', /not a JSON object/],
  ['a list', '[]', /not a JSON object/],
  ['another version', recordText(1, { v: 3 }), /no valid v$/],
  ['another kind', recordText(1, { kind: 'canary' }), /no valid kind$/],
  ['a record as a prototype', `{"__proto__":${recordText(1)}}`, /no valid/],
  ['a link that is none', recordText(1, { links: ['a', { canary: 1 }] }), /no valid links.1$/],
  ['an index beyond the links', recordText(1, { index: 3 }), /no valid index$/],
  ['a huge index', recordText(1).replace('"index":1', '"index":1e308'), /no valid index$/],
  ['deep nesting', '['.repeat(500_000), /not JSON/],
  ['deep nesting that ends', '['.repeat(100_000) + ']'.repeat(100_000), /not a JSON object/],
];

describeWithRedis('an entry that cannot be read', () => {
  test.each(UNREADABLE)('is set aside: %s', async (_what, text, reason) => {
    await using stand = await StreamStand.start();
    const id = await stand.add(text);
    await stand.add(recordText(7));
    const { sink, counts } = await stand.receive();
    await eventually('it is set aside', () => counts.of('records', 'rejected') === 1 || undefined);
    await stand.settled();
    expect(sink.seqs).toEqual([7]);
    const [letter, ...others] = await stand.dead();
    expect(others).toEqual([]);
    expect(letter).toMatchObject({ id, reason: expect.stringMatching(reason) });
    expect(letter?.reason).not.toContain('canary');
    expect(letter?.record).toBe(text.slice(0, 64 * 1024));
  });

  test('is kept in part where it is huge, up to a whole character', async () => {
    await using stand = await StreamStand.start();
    await stand.add(`"x${'ü'.repeat(1024 * 1024)}"`);
    const { counts } = await stand.receive();
    await eventually('it is set aside', () => counts.of('records', 'rejected') === 1 || undefined);
    const [letter] = await stand.dead();
    expect(letter?.reason).toContain('larger than 1 MiB');
    expect(letter?.record).toBe(`"x${'ü'.repeat(32 * 1024 - 1)}`);
  });

  test('is set aside where it is no UTF-8', async () => {
    await using stand = await StreamStand.start();
    await stand.add(notUtf8(recordText(1, { chain: '?' })));
    await stand.add(recordText(7));
    const { sink, counts } = await stand.receive();
    await eventually('it is set aside', () => counts.of('records', 'rejected') === 1 || undefined);
    await stand.settled();
    expect(sink.seqs).toEqual([7]);
    expect((await stand.dead())[0]?.reason).toBe('a record is not UTF-8');
  });

  test('is set aside where it has another field', async () => {
    await using stand = await StreamStand.start();
    await stand.writer.xadd(STREAM, '*', 'canary', 'record', 'more', '1');
    await stand.writer.xadd(STREAM, '*', 'other', 'record', 'record', recordText(3));
    const { sink } = await stand.receive();
    await eventually('one is there', () => sink.distinct === 1 || undefined);
    await stand.settled();
    expect(await stand.dead()).toMatchObject([{ record: '["canary","record","more","1"]' }]);
  });

  test('waits while Redis is out of memory, and holds nobody up', async () => {
    await using stand = await StreamStand.startOwn();
    const poison = await stand.add('canary');
    await stand.write(0, 20);
    await stand.writer.xgroup('CREATE', STREAM, GROUP, '0');
    const sink = new KeptIntake();
    sink.full = true;
    const { counts, receiver } = await stand.receive({ sink });
    await eventually('it is the one that reads', async () => (await stand.holder()) ?? undefined);
    await stand.writer.config('SET', 'maxmemory', '1');
    sink.full = false;
    await eventually('the others are there', async () => {
      return (await stand.pending()).join() === poison && sink.distinct === 20 ? true : undefined;
    });
    expect(receiver.stats.waiting).toBe(1);
    expect(counts.of('records', 'rejected')).toBe(0);
    await stand.writer.config('SET', 'maxmemory', '0');
    await stand.settled();
    expect(await stand.dead()).toMatchObject([{ id: poison, record: 'canary' }]);
    expect(counts.of('records', 'rejected')).toBe(1);
    expect(receiver.stats.waiting).toBe(0);
  });

  test('stays pending while the place for it is a key of another type', async () => {
    await using stand = await StreamStand.start();
    await stand.writer.set(`${STREAM}:dead`, 'x');
    const poison = await stand.add('canary');
    const { receiver } = await stand.receive();
    await eventually('it waits', () => receiver.stats.waiting === 1 || undefined);
    expect(await stand.pending()).toEqual([poison]);
    await receiver.close();
    expect(await stand.pending()).toEqual([poison]);
    await stand.writer.del(`${STREAM}:dead`);
    await stand.receive();
    await stand.settled();
    expect(await stand.dead()).toMatchObject([{ id: poison }]);
  });

  test('never costs a record its place: any mixture adds up', async () => {
    const random = randomOf(20_260_301);
    await using stand = await StreamStand.start();
    let good = 0;
    let bad = 0;
    for (let entry = 0; entry < 600; entry++) {
      const text = recordText(good);
      if (random() < 0.5) {
        await stand.add(text);
        good += 1;
      } else {
        const bytes = Buffer.from(text);
        const at = Math.floor(random() * bytes.length);
        const broken = random() < 0.5 ? bytes.subarray(0, at) : Buffer.concat([bytes.subarray(at), bytes]);
        await stand.add(broken);
        if (broken.length === bytes.length) good += 1;
        else bad += 1;
      }
    }
    const { sink, counts } = await stand.receive();
    await stand.settled();
    await eventually('all is counted', () => {
      return counts.of('records', 'accepted') + counts.of('records', 'rejected') === 600 || undefined;
    });
    expect(counts.of('records', 'rejected')).toBeGreaterThanOrEqual(bad - 5);
    expect(sink.seqs.slice(0, 10)).toEqual(sink.seqs.slice(0, 10).toSorted((a, b) => a - b));
    expect(new Set(sink.seqs).size).toBe(good);
    expect(await stand.dead()).toHaveLength(counts.of('records', 'rejected'));
  });
});

describeWithRedis('an entry that was delivered five times and never settled', () => {
  test('is set aside without being handed in again, and its neighbours are not', async () => {
    await using stand = await StreamStand.start();
    await stand.write(0, 5);
    const poison = await stand.add(recordText(99));
    await stand.write(5, 10);
    await stand.writer.xgroup('CREATE', STREAM, GROUP, '0');
    const read = (id: string) =>
      stand.writer.xreadgroup('GROUP', GROUP, 'one', 'COUNT', 100, 'STREAMS', STREAM, id);
    await read('>');
    await read('0');
    // Whoever was handed the poison died on it, and its neighbours one time less.
    await stand.writer.xclaim(STREAM, GROUP, 'one', 0, poison, 'RETRYCOUNT', 5);
    const { sink, counts } = await stand.receive();
    await stand.settled();
    expect(sink.seqs).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await stand.dead()).toMatchObject([{ id: poison, record: recordText(99) }]);
    await eventually('it is counted', () => counts.of('records', 'set_aside') === 1 || undefined);
  });

  test('is set aside where other consumers left it lying', async () => {
    await using stand = await StreamStand.start();
    const poison = await stand.add(recordText(99));
    await stand.write(0, 3);
    await stand.writer.xgroup('CREATE', STREAM, GROUP, '0');
    await stand.writer.xreadgroup('GROUP', GROUP, 'gone', 'COUNT', 100, 'STREAMS', STREAM, '>');
    await stand.writer.xclaim(STREAM, GROUP, 'gone', 0, poison, 'RETRYCOUNT', 5);
    const { sink, counts } = await stand.receive({ claimAfter: 200 });
    await stand.settled();
    expect(sink.seqs).toEqual([0, 1, 2]);
    await eventually('it is counted', () => counts.of('records', 'set_aside') === 1 || undefined);
    expect(await stand.dead()).toMatchObject([{ id: poison }]);
  });

  test('is handed in alone before that, so that its neighbours are settled first', async () => {
    await using stand = await StreamStand.start();
    await stand.write(0, 4);
    await stand.writer.xgroup('CREATE', STREAM, GROUP, '0');
    for (const id of ['>', '0', '0'])
      await stand.writer.xreadgroup('GROUP', GROUP, 'one', 'COUNT', 100, 'STREAMS', STREAM, id);
    const sink = new KeptIntake();
    // It dies on the third.
    const died = Promise.withResolvers<void>();
    sink.whenDurable = () => (sink.seqs.at(-1) === 2 ? died.promise : Promise.resolve());
    const { receiver } = await stand.receive({ sink });
    await eventually('it is stuck', () => sink.distinct === 3 || undefined);
    const rows = await stand.writer.xpending(STREAM, GROUP, '-', '+', 10);
    expect(rows).toMatchObject([
      [expect.any(String), 'one', expect.any(Number), 4],
      [expect.any(String), 'one', expect.any(Number), 3],
    ]);
    const closed = receiver.close();
    died.reject(new Error('canary'));
    await closed;
  });
});
