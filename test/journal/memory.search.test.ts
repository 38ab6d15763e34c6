import { describe, expect, test } from 'vitest';
import type { EventLogState } from '../../src/journal/event-log.ts';
import { memoryJournal } from '../../src/journal/memory.ts';
import { delivery, event, ids, testJournal } from './contract.ts';
import { reader } from './reader.ts';

const numbered = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => event(`run/${from + index}`));

describe('the memory journal', () => {
  testJournal(() => memoryJournal());

  test('beyond its capacity a consumer loses its oldest events and is told; others lose nothing', async () => {
    const journal = memoryJournal({ capacity: 3 });
    const lost: string[] = [];
    const slow = reader(journal, 'slow', { onDrop: (events) => lost.push(...ids(events)) });
    const quick = reader(journal, 'quick', { onDrop: () => lost.push('of quick') });
    const heard: string[] = [];
    for (const one of numbered(5)) {
      await journal.append([one]);
      heard.push(...ids(await quick.consumer.readNow(9)));
    }
    expect(lost).toEqual(['run/0', 'run/1']);
    expect(heard).toEqual(['run/0', 'run/1', 'run/2', 'run/3', 'run/4']);
    expect(ids(await slow.consumer.readNow(9))).toEqual(['run/2', 'run/3', 'run/4']);
  });

  test('keeps no more than its capacity for a consumer that reads nothing', async () => {
    const journal = memoryJournal({ capacity: 10 });
    const { state } = watched(journal);
    let lost = 0;
    const { consumer } = reader(journal, 'stuck', {
      onDrop: (events) => {
        lost += events.length;
      },
    });
    for (const one of numbered(5_000)) await journal.append([one]);
    await journal.append(numbered(5_000, 5_000));
    expect([lost, consumer.unread, state().full]).toEqual([9_990, 10, false]);
    const repeats = await journal.append(['run/0', 'run/9999'].map((id) => event(id)));
    expect(ids(repeats.map((repeat) => repeat.event))).toEqual(['run/9999']);
  });

  test('keeps nothing that everybody has read', async () => {
    const journal = memoryJournal();
    const { consumer } = reader(journal, 'reader');
    for (let i = 0; i < 2; i += 1) {
      expect(await journal.append([event('run/1')])).toEqual([]);
      for (const one of await consumer.readNow(9)) consumer.settle(one, 'ok', delivery(1));
      expect(consumer.depth).toBe(0);
    }
  });

  test('without a consumer it keeps nothing at all', async () => {
    const journal = memoryJournal({ capacity: 1 });
    await journal.append(numbered(3));
    expect(await reader(journal, 'late').consumer.readNow(9)).toEqual([]);
  });

  test('keeps no dead letters', async () => {
    const journal = memoryJournal();
    const { consumer } = reader(journal, 'reader');
    await journal.append([event('run/1')]);
    for (const one of await consumer.readNow(1)) consumer.settle(one, 'dead', delivery(1, 'TypeError'));
    expect([consumer.dead, consumer.depth, journal.persistent]).toEqual([0, 0, false]);
  });

  test('an event can be read in the turn of the event loop in which it was appended', async () => {
    const journal = memoryJournal();
    const { consumer } = reader(journal, 'reader');
    let turned = false;
    setImmediate(() => {
      turned = true;
    });
    void journal.append([event('run/1')]);
    expect(ids(await consumer.readNow(1))).toEqual(['run/1']);
    expect(turned).toBe(false);
  });
});

describe('a memory journal that is to block', () => {
  test('is full before its slowest consumer is at its capacity, and has room again well below', async () => {
    const journal = memoryJournal({ capacity: 20, onFull: 'block' });
    const { state } = watched(journal);
    const { consumer } = reader(journal, 'slow');
    await journal.append(numbered(17));
    expect(state()).toMatchObject({ full: false, room: 1 });
    await journal.append(numbered(1, 17));
    expect(state()).toMatchObject({ full: true, room: 0 });
    const events = await consumer.readNow(9);
    for (const one of events.slice(0, 2)) consumer.settle(one, 'ok', delivery(1));
    expect(state().full).toBe(true);
    for (const one of events.slice(2, 3)) consumer.settle(one, 'ok', delivery(1));
    expect(state()).toMatchObject({ full: false, room: 3 });
  });

  test('is bounded all the same: whoever does not wait makes it drop', async () => {
    const journal = memoryJournal({ capacity: 10, onFull: 'block' });
    const lost: string[] = [];
    const { consumer } = reader(journal, 'stuck', { onDrop: (events) => lost.push(...ids(events)) });
    await journal.append(numbered(12));
    expect([lost, consumer.unread]).toEqual([['run/0', 'run/1'], 10]);
  });

  test('lets those go who wait for room when it is closed', async () => {
    const journal = memoryJournal({ capacity: 1, onFull: 'block' });
    const { state } = watched(journal);
    reader(journal, 'stuck');
    await journal.append([event('run/1')]);
    expect(state().full).toBe(true);
    await journal.close();
    expect(state().full).toBe(false);
  });
});

function watched(journal: ReturnType<typeof memoryJournal>) {
  let state: EventLogState | undefined;
  journal.observe({
    onState: (news) => {
      state = news;
    },
  });
  return {
    state: () => {
      if (!state) throw new Error('the journal has said nothing');
      return state;
    },
  };
}
