import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Journal } from '../../src/journal/journal.ts';
import type { ChainEvent } from '../../src/model/event.ts';

/** An event of which only the id matters. */
export function event(eventId: string): ChainEvent {
  return {
    eventId,
    runId: 'run',
    stage: 'chain',
    phase: 'start',
    chain: 'main',
    links: [],
    link: undefined,
    linkIndex: undefined,
    storage: undefined,
    inVconUuid: 'V',
    outVconUuid: 'V',
    outcome: undefined,
    errorType: undefined,
    time: 0,
    duration: undefined,
    spanContext: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 },
    inferred: [],
  };
}

const ids = (events: readonly ChainEvent[]) => events.map(({ eventId }) => eventId);

/** What every journal has to keep, whatever it is made of. */
export function testJournal(open: () => Journal | Promise<Journal>): void {
  const consumer = (journal: Journal, name: string) => journal.consumer(name, { onDrop: () => {} });

  test('each consumer reads everything once, in order, at its own pace', async () => {
    const journal = await open();
    const [quick, slow] = ['quick', 'slow'].map((name) => consumer(journal, name));
    for (const id of ['1', '2', '3']) expect(journal.append(event(id))).toBe(true);
    await journal.durable();
    expect(ids(quick?.read(2) ?? [])).toEqual(['1', '2']);
    expect(ids(quick?.read(2) ?? [])).toEqual(['3']);
    expect(ids(quick?.read(2) ?? [])).toEqual([]);
    expect(ids(slow?.read(9) ?? [])).toEqual(['1', '2', '3']);
    await journal.close();
  });

  test('an event that is kept already is not stored again', async () => {
    const journal = await open();
    const reader = consumer(journal, 'reader');
    expect([journal.append(event('1')), journal.append(event('1'))]).toEqual([true, false]);
    expect(ids(reader.read(9))).toEqual(['1']);
    await journal.close();
  });

  test('what is read counts as pending until it is done', async () => {
    const journal = await open();
    const reader = consumer(journal, 'reader');
    journal.append(event('1'));
    journal.append(event('2'));
    expect(reader.depth).toBe(2);
    const [first] = reader.read(1);
    expect([reader.depth, reader.oldestUnread?.eventId]).toEqual([2, '2']);
    if (first) reader.done(first);
    expect(reader.depth).toBe(1);
    await journal.close();
  });

  test('a consumer that is asked for twice is the same one', async () => {
    const journal = await open();
    expect(consumer(journal, 'reader')).toBe(consumer(journal, 'reader'));
    await journal.close();
  });

  test('closing twice is safe', async () => {
    const journal = await open();
    await journal.close();
    await journal.close();
  });

  test('whatever is appended and read in whatever order, each consumer gets the same events in the same order', async () => {
    const step = fc.oneof(
      fc.record({ append: fc.integer({ min: 0, max: 30 }) }),
      fc.record({ read: fc.constantFrom('x', 'y', 'z'), limit: fc.integer({ min: 1, max: 5 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const journal = await open();
        const names = ['x', 'y', 'z'];
        const consumers = new Map(names.map((name) => [name, consumer(journal, name)]));
        const read = new Map<string, string[]>(names.map((name) => [name, []]));
        const accepted: string[] = [];
        for (const doing of steps) {
          if ('append' in doing) {
            if (journal.append(event(String(doing.append)))) accepted.push(String(doing.append));
          } else {
            const events = consumers.get(doing.read)?.read(doing.limit) ?? [];
            read.get(doing.read)?.push(...ids(events));
            for (const one of events) consumers.get(doing.read)?.done(one);
          }
        }
        for (const [name, reader] of consumers) {
          expect(reader.depth).toBe(accepted.length - (read.get(name)?.length ?? 0));
          read.get(name)?.push(...ids(reader.read(1_000)));
          expect(read.get(name)).toEqual(accepted);
        }
        await journal.close();
      }),
      { numRuns: 200 },
    );
  });
}
