import { describe, expect, test } from 'vitest';
import { memoryJournal } from '../../src/journal/memory.ts';
import { delivery, event, ids, reader, testJournal } from './contract.ts';

describe('the memory journal', () => {
  testJournal(() => memoryJournal());

  test('beyond its capacity a consumer loses its oldest events and is told; others lose nothing', () => {
    const journal = memoryJournal({ capacity: 3 });
    const lost: string[] = [];
    const slow = reader(journal, 'slow', { onDrop: ({ eventId }) => lost.push(eventId) });
    const quick = reader(journal, 'quick', { onDrop: () => lost.push('of quick') });
    const heard: string[] = [];
    for (let i = 0; i < 5; i += 1) {
      journal.append(event(`run/${i}`));
      heard.push(...ids(quick.consumer.read(9)));
    }
    expect(lost).toEqual(['run/0', 'run/1']);
    expect(heard).toEqual(['run/0', 'run/1', 'run/2', 'run/3', 'run/4']);
    expect(ids(slow.consumer.read(9))).toEqual(['run/2', 'run/3', 'run/4']);
  });

  test('keeps no more than its capacity for a consumer that reads nothing', () => {
    const journal = memoryJournal({ capacity: 10 });
    const repeats: string[] = [];
    journal.listen({ onRepeat: ({ eventId }) => repeats.push(eventId), onTrouble: () => {} });
    let lost = 0;
    const { consumer } = reader(journal, 'stuck', {
      onDrop: () => {
        lost += 1;
      },
    });
    for (let i = 0; i < 10_000; i += 1) journal.append(event(`run/${i}`));
    expect([lost, consumer.unread, journal.full]).toEqual([9_990, 10, false]);
    for (const id of ['run/0', 'run/9999']) journal.append(event(id));
    expect(repeats).toEqual(['run/9999']);
  });

  test('keeps nothing that everybody has read', () => {
    const journal = memoryJournal();
    const repeats: string[] = [];
    journal.listen({ onRepeat: ({ eventId }) => repeats.push(eventId), onTrouble: () => {} });
    const { consumer } = reader(journal, 'reader');
    for (let i = 0; i < 2; i += 1) {
      journal.append(event('run/1'));
      for (const one of consumer.read(9)) consumer.settle(one, 'ok', delivery(1));
      expect(consumer.depth).toBe(0);
    }
    expect(repeats).toEqual([]);
  });

  test('without a consumer it keeps nothing at all', () => {
    const journal = memoryJournal({ capacity: 1 });
    for (const id of ['run/1', 'run/2', 'run/3']) journal.append(event(id));
    expect(reader(journal, 'late').consumer.read(9)).toEqual([]);
  });

  test('keeps no dead letters', async () => {
    const journal = memoryJournal();
    const { consumer } = reader(journal, 'reader');
    journal.append(event('run/1'));
    for (const one of consumer.read(1)) consumer.settle(one, 'dead', delivery(1, 'TypeError'));
    expect([consumer.dead, consumer.depth, journal.persistent]).toEqual([0, 0, false]);
  });
});

describe('a memory journal that is to block', () => {
  test('is full before its slowest consumer is at its capacity, and has room again well below', async () => {
    const journal = memoryJournal({ capacity: 20, onFull: 'block' });
    const { consumer } = reader(journal, 'slow');
    const append = (count: number) => {
      for (let i = 0; i < count; i += 1) journal.append(event(`run/${Math.random()}`));
    };
    append(17);
    expect(journal.full).toBe(false);
    append(1);
    expect(journal.full).toBe(true);
    let room = false;
    const waiting = journal.room().then(() => {
      room = true;
    });
    const events = consumer.read(9);
    for (const one of events.slice(0, 2)) consumer.settle(one, 'ok', delivery(1));
    await Promise.resolve();
    expect([journal.full, room]).toEqual([true, false]);
    for (const one of events.slice(2, 3)) consumer.settle(one, 'ok', delivery(1));
    expect(journal.full).toBe(false);
    await waiting;
    await journal.room();
  });

  test('is bounded all the same: whoever does not wait makes it drop', () => {
    const journal = memoryJournal({ capacity: 10, onFull: 'block' });
    const lost: string[] = [];
    const { consumer } = reader(journal, 'stuck', { onDrop: ({ eventId }) => lost.push(eventId) });
    for (let i = 0; i < 12; i += 1) journal.append(event(`run/${i}`));
    expect([lost, consumer.unread]).toEqual([['run/0', 'run/1'], 10]);
  });

  test('lets those go who wait for room when it is closed', async () => {
    const journal = memoryJournal({ capacity: 1, onFull: 'block' });
    reader(journal, 'stuck');
    journal.append(event('run/1'));
    const waiting = journal.room();
    await journal.close();
    await waiting;
    expect(journal.full).toBe(false);
  });
});
