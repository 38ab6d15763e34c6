import { describe, expect, test } from 'vitest';
import { sqliteJournal } from '../../src/journal/sqlite.ts';
import { delivery, event, ids, testJournal } from './contract.ts';
import { reader } from './reader.ts';
import { crashed, eventIds, keep, openJournal, query, temporaryPath } from './temporary-journal.ts';

describe('the sqlite journal', () => {
  testJournal(() => sqliteJournal({ path: temporaryPath() }));
});

describe('a sqlite journal that is opened again', () => {
  test('knows what each consumer has still to hear', async () => {
    const path = temporaryPath();
    const first = await openJournal({ path });
    const [quick, slow] = [reader(first.journal, 'quick'), reader(first.journal, 'slow')];
    await keep(first.journal, ['a/1', 'a/2', 'a/3', 'a/4']);
    for (const one of await quick.read(4)) quick.consumer.settle(one, 'ok', delivery(1));
    const [, second, third] = await slow.read(3);
    if (!second || !third) throw new Error('too few events were read');
    slow.consumer.settle(second, 'ok', delivery(1));
    slow.consumer.settle(third, 'dead', delivery(7, 'TypeError'));
    await first.journal.close();

    const { journal } = await openJournal({ path });
    const [quickAgain, slowAgain] = [reader(journal, 'quick'), reader(journal, 'slow')];
    expect(ids(await slowAgain.read(2))).toEqual(['a/1', 'a/4']);
    expect([slowAgain.consumer.depth, slowAgain.consumer.dead]).toEqual([2, 1]);
    expect([
      quickAgain.consumer.depth,
      quickAgain.consumer.dead,
      await quickAgain.consumer.readNow(9),
    ]).toEqual([0, 0, []]);
  });

  test('goes on counting attempts', async () => {
    const path = temporaryPath();
    const first = await openJournal({ path });
    const { consumer, read } = reader(first.journal, 'tracer');
    await keep(first.journal, ['a/1']);
    const [one] = await read(1);
    if (!one) throw new Error('no event was read');
    consumer.retry(one, delivery(2, 'ECONNREFUSED'));
    await first.journal.close();

    const { journal } = await openJournal({ path });
    const again = reader(journal, 'tracer');
    const [same] = await again.read(1);
    if (!same) throw new Error('no event was read');
    expect(again.consumer.attemptsAt(same)).toEqual({ ...delivery(2, 'ECONNREFUSED'), duration: 0 });
    again.consumer.settle(same, 'ok', delivery(3));
    expect(again.consumer.attemptsAt(same)).toBeUndefined();
  });

  test('recognises a repeat', async () => {
    const path = temporaryPath();
    const first = await openJournal({ path });
    reader(first.journal, 'tracer');
    await keep(first.journal, ['a/1', 'a/2']);
    await first.journal.close();
    const { journal } = await openJournal({ path });
    const { consumer, read } = reader(journal, 'tracer');
    const repeats = await keep(journal, ['a/2', 'a/3']);
    expect(ids(await read(3))).toEqual(['a/1', 'a/2', 'a/3']);
    expect([repeats, consumer.depth]).toEqual([['a/2'], 3]);
  });

  test('gives a consumer that was away what it missed, and a new one nothing', async () => {
    const path = temporaryPath();
    const first = await openJournal({ path });
    reader(first.journal, 'old');
    await keep(first.journal, ['a/1']);
    await first.journal.close();
    const second = await openJournal({ path });
    reader(second.journal, 'new');
    await keep(second.journal, ['a/2']);
    await second.journal.close();
    const { journal } = await openJournal({ path });
    expect(ids(await reader(journal, 'old').read(2))).toEqual(['a/1', 'a/2']);
    expect(ids(await reader(journal, 'new').read(1))).toEqual(['a/2']);
  });

  test('has all that was durable when its process was killed', async () => {
    const path = temporaryPath();
    const { journal } = await openJournal({ path });
    const { consumer, read } = reader(journal, 'tracer');
    await keep(journal, eventIds(500));
    for (const one of await read(200)) consumer.settle(one, 'ok', delivery(1));
    await keep(journal, ['last/1']);
    const copy = crashed(path);
    const survivor = reader((await openJournal({ path: copy })).journal, 'tracer');
    const given = ids(await survivor.read(301));
    expect(given).toEqual([...eventIds(300, 200), 'last/1']);
  });

  test('keeps dead letters whose position it keeps, however many are settled at once', async () => {
    const path = temporaryPath();
    const { journal } = await openJournal({ path });
    const { consumer, read } = reader(journal, 'tracer');
    await keep(journal, eventIds(9_000));
    for (const one of await read(9_000)) consumer.settle(one, 'dead', delivery(1, 'TypeError'));
    for (let held = 0; held < 9_000; await new Promise(setImmediate)) {
      const [now] = query(
        path,
        'select count(d.seq) as held, position from consumer c left join delivery d using (consumer)',
      );
      held = Number(now?.held);
      expect(held).toBeGreaterThanOrEqual(Number(now?.position));
    }
    expect(consumer.dead).toBe(9_000);
  });
});

describe('a consumer of a sqlite journal', () => {
  test('that lags far behind what is in memory reads everything in order, while more comes', async () => {
    const { journal } = await openJournal({ path: temporaryPath() });
    const { consumer, read } = reader(journal, 'tracer');
    const appended = eventIds(33_000);
    await keep(journal, appended.slice(0, 30_000));
    expect([consumer.depth, consumer.unread]).toEqual([30_000, 30_000]);
    const heard: string[] = [];
    for (let upTo = 30_000; heard.length < 33_000; ) {
      const more = appended.slice(upTo, upTo + 100);
      void journal.append(more.map((id) => event(id)));
      upTo += more.length;
      const events = await read(Math.min(1_000, 33_000 - heard.length));
      heard.push(...ids(events));
      expect(consumer.depth).toBe(upTo - heard.length + events.length);
      for (const one of events) consumer.settle(one, 'ok', delivery(1));
      expect([consumer.depth, consumer.unread]).toEqual([upTo - heard.length, upTo - heard.length]);
    }
    expect(heard).toEqual(appended);
  });

  test('counts what is not durable yet, and says how old the oldest unread event is', async () => {
    const path = temporaryPath();
    const { journal } = await openJournal({ path });
    const { consumer, read } = reader(journal, 'tracer');
    await journal.append([]);
    expect([consumer.depth, consumer.oldestUnread]).toEqual([0, undefined]);
    void journal.append(eventIds(3).map((id, index) => event(id, 100 + index)));
    expect([consumer.depth, consumer.unread, consumer.oldestUnread]).toEqual([3, 3, 100]);
    await read(1);
    expect([consumer.depth, consumer.unread, consumer.oldestUnread]).toEqual([3, 2, 101]);
    await journal.close();
    // What is in the file only is counted as soon as the file is open.
    const again = await openJournal({ path });
    const told = Promise.withResolvers<void>();
    const later = reader(again.journal, 'tracer', { onReadable: told.resolve });
    await told.promise;
    expect([later.consumer.depth, later.consumer.unread, later.consumer.oldestUnread]).toEqual([3, 3, 100]);
  });

  test('an event that was tried, and that nobody wants after all, is not waited for any longer', async () => {
    const path = temporaryPath();
    const { journal } = await openJournal({ path });
    const { consumer, read } = reader(journal, 'tracer');
    await keep(journal, ['a/1']);
    const [one] = await read(1);
    if (!one) throw new Error('no event was read');
    consumer.retry(one, delivery(1, 'TypeError'));
    consumer.settle(one, 'unheard');
    await journal.close();
    expect(query(path, 'select seq, state from delivery')).toEqual([{ seq: 1, state: 'skipped' }]);
  });

  test('answers after the journal was closed disturb nobody', async () => {
    const path = temporaryPath();
    const { journal } = await openJournal({ path });
    const { consumer, read } = reader(journal, 'tracer');
    await keep(journal, ['a/1', 'a/2']);
    const [one, two] = await read(2);
    if (!one || !two) throw new Error('too few events were read');
    await journal.close();
    consumer.settle(one, 'ok', delivery(1));
    consumer.retry(two, delivery(1));
    expect(await consumer.readNow(9)).toEqual([]);
    // Nothing has opened the file again.
    await openJournal({ path });
  });
});
