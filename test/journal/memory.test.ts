import { describe, expect, test } from 'vitest';
import { memoryJournal } from '../../src/journal/memory.ts';
import { event, testJournal } from './contract.ts';

describe('the memory journal', () => {
  testJournal(() => memoryJournal());

  test('beyond its capacity a consumer loses its oldest events and is told; others lose nothing', () => {
    const journal = memoryJournal({ capacity: 3 });
    const lost: string[] = [];
    const slow = journal.consumer('slow', { onDrop: ({ eventId }) => lost.push(eventId) });
    const quick = journal.consumer('quick', { onDrop: () => lost.push('of quick') });
    const heard: string[] = [];
    for (let i = 0; i < 5; i += 1) {
      journal.append(event(String(i)));
      heard.push(...quick.read(9).map(({ eventId }) => eventId));
    }
    expect(lost).toEqual(['0', '1']);
    expect(heard).toEqual(['0', '1', '2', '3', '4']);
    expect(slow.read(9).map(({ eventId }) => eventId)).toEqual(['2', '3', '4']);
  });

  test('keeps no more than its capacity for a consumer that reads nothing', () => {
    const journal = memoryJournal({ capacity: 10 });
    let lost = 0;
    const stuck = journal.consumer('stuck', {
      onDrop: () => {
        lost += 1;
      },
    });
    for (let i = 0; i < 10_000; i += 1) journal.append(event(String(i)));
    expect([lost, stuck.unread]).toEqual([9_990, 10]);
    expect(journal.append(event('0'))).toBe(true);
  });

  test('keeps nothing that everybody has read', () => {
    const journal = memoryJournal();
    const reader = journal.consumer('reader', { onDrop: () => {} });
    journal.append(event('1'));
    for (const one of reader.read(9)) reader.done(one);
    expect(reader.depth).toBe(0);
    expect(journal.append(event('1'))).toBe(true);
  });

  test('without a consumer it keeps nothing at all', () => {
    const journal = memoryJournal({ capacity: 1 });
    for (const id of ['1', '2', '3']) expect(journal.append(event(id))).toBe(true);
    expect(journal.consumer('late', { onDrop: () => {} }).read(9)).toEqual([]);
  });
});
