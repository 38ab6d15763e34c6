import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ConsumerSettings, Delivery, Journal, JournalConsumer } from '../../src/journal/journal.ts';
import type { ChainEvent } from '../../src/model/event.ts';

/**
 * An event of which only the id matters.
 * @param eventId its run is the part before the first slash, e.g. `run/1`
 */
export function event(eventId: string, time = 0): ChainEvent {
  return {
    eventId,
    runId: eventId.split('/')[0] ?? '',
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
    time,
    duration: undefined,
    spanContext: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 },
    vconSha256: undefined,
    inferred: [],
  };
}

/** What a delivery that went well, or failed, is told the journal as. */
export function delivery(attempts: number, errorType?: string): Delivery {
  return { attempts, since: 1_000, duration: 0.1, errorType };
}

export const ids = (events: readonly ChainEvent[]) => events.map(({ eventId }) => eventId);

/** A consumer as a test has it: it waits for what is still being fetched. */
export interface Reader {
  readonly consumer: JournalConsumer;
  /** Reads so many events, however many reads that takes. */
  read(count: number): Promise<readonly ChainEvent[]>;
}

export function reader(journal: Journal, name: string, settings: Partial<ConsumerSettings> = {}): Reader {
  let readable = Promise.withResolvers<void>();
  const consumer = journal.consumer(name, {
    onDrop: () => {},
    onSkip: () => {},
    ...settings,
    onReadable: () => {
      readable.resolve();
      settings.onReadable?.();
    },
  });
  return {
    consumer,
    async read(count) {
      const events: ChainEvent[] = [];
      while (events.length < count) {
        // Before it is read: what becomes readable right afterwards must not be missed.
        readable = Promise.withResolvers<void>();
        const read = consumer.read(count - events.length);
        events.push(...read);
        if (read.length === 0) await readable.promise;
      }
      return events;
    },
  };
}

/**
 * What every journal has to keep, whatever it is made of. Events may become readable later than they are appended, but
 * all of them do.
 */
export function testJournal(open: () => Journal | Promise<Journal>): void {
  test('each consumer reads everything once, in order, at its own pace', async () => {
    const journal = await open();
    const [quick, slow] = [reader(journal, 'quick'), reader(journal, 'slow')];
    for (const id of ['run/1', 'run/2', 'run/3']) journal.append(event(id));
    await journal.durable();
    expect(ids(await quick.read(2))).toEqual(['run/1', 'run/2']);
    expect(ids(await quick.read(1))).toEqual(['run/3']);
    expect(quick.consumer.read(9)).toEqual([]);
    expect(ids(await slow.read(3))).toEqual(['run/1', 'run/2', 'run/3']);
    await journal.close();
  });

  test('an event is read as it was appended', async () => {
    const journal = await open();
    const { read } = reader(journal, 'reader');
    const appended: ChainEvent = {
      ...event('run/link/0/error', 1_700_000_000_123.25),
      stage: 'link',
      phase: 'error',
      links: ['a', 'ü'],
      link: 'a',
      linkIndex: 0,
      outVconUuid: 'W',
      outcome: 'error',
      errorType: 'TypeError',
      duration: 0.25,
      inferred: ['links'],
    };
    journal.append(appended);
    await journal.durable();
    expect(await read(1)).toEqual([appended]);
    await journal.close();
  });

  test('a consumer that comes later begins at the end', async () => {
    const journal = await open();
    const early = reader(journal, 'early');
    journal.append(event('run/1'));
    await journal.durable();
    const late = reader(journal, 'late');
    journal.append(event('run/2'));
    await journal.durable();
    expect(ids(await early.read(2))).toEqual(['run/1', 'run/2']);
    expect(ids(await late.read(1))).toEqual(['run/2']);
    await journal.close();
  });

  test('an event that is kept already is told to be a repeat, and given to nobody', async () => {
    const journal = await open();
    const repeats: string[] = [];
    journal.listen({ onRepeat: ({ eventId }) => repeats.push(eventId), onTrouble: () => {} });
    const { consumer, read } = reader(journal, 'reader');
    for (const id of ['run/1', 'run/1', 'run/2']) journal.append(event(id));
    await journal.durable();
    expect(ids(await read(2))).toEqual(['run/1', 'run/2']);
    expect([repeats, consumer.depth, consumer.read(9)]).toEqual([['run/1'], 2, []]);
    await journal.close();
  });

  test('what is read counts as pending until it is settled, however it is', async () => {
    const journal = await open();
    const { consumer, read } = reader(journal, 'reader');
    const outcomes = ['ok', 'failed', 'dead', 'unheard'] as const;
    for (const [index] of outcomes.entries()) journal.append(event(`run/${index}`, index));
    await journal.durable();
    const [first] = await read(1);
    expect([consumer.depth, consumer.unread, consumer.oldestUnread]).toEqual([4, 3, 1]);
    for (const [index, one] of [first, ...(await read(3))].entries()) {
      const outcome = outcomes[index];
      if (!one || !outcome) throw new Error('too few events were read');
      if (outcome === 'unheard') consumer.settle(one, outcome);
      else consumer.settle(one, outcome, delivery(1, outcome === 'ok' ? undefined : 'TypeError'));
      expect(consumer.depth).toBe(3 - index);
    }
    expect([consumer.unread, consumer.oldestUnread]).toEqual([0, undefined]);
    await journal.close();
  });

  test('an event whose attempt failed is pending still, and is not given again', async () => {
    const journal = await open();
    const { consumer, read } = reader(journal, 'reader');
    journal.append(event('run/1'));
    await journal.durable();
    const [one] = await read(1);
    if (!one) throw new Error('no event was read');
    expect(consumer.attemptsAt(one)).toBeUndefined();
    consumer.retry(one, delivery(1, 'TypeError'));
    await journal.durable();
    expect([consumer.depth, consumer.read(9)]).toEqual([1, []]);
    consumer.settle(one, 'ok', delivery(2));
    expect(consumer.depth).toBe(0);
    await journal.close();
  });

  test('a consumer that found nothing to read is told when there is something', async () => {
    const journal = await open();
    const told = Promise.withResolvers<void>();
    const { consumer, read } = reader(journal, 'reader', { onReadable: told.resolve });
    expect(consumer.read(9)).toEqual([]);
    journal.append(event('run/1'));
    await told.promise;
    expect(ids(await read(1))).toEqual(['run/1']);
    await journal.close();
  });

  test('a consumer that is far behind reads everything, in order', async () => {
    const journal = await open();
    const [quick, slow] = [reader(journal, 'quick'), reader(journal, 'slow')];
    const appended = Array.from({ length: 5_000 }, (_, index) => `run${index % 7}/${index}`);
    for (const [index, id] of appended.entries()) {
      journal.append(event(id));
      if (index % 1_000 !== 999) continue;
      await journal.durable();
      for (const one of await quick.read(1_000)) quick.consumer.settle(one, 'ok', delivery(1));
    }
    expect(slow.consumer.depth).toBe(5_000);
    const read: string[] = [];
    while (read.length < 5_000) {
      const events = await slow.read(40);
      read.push(...ids(events));
      for (const one of events) slow.consumer.settle(one, 'ok', delivery(1));
    }
    expect(read).toEqual(appended);
    expect([quick.consumer.depth, slow.consumer.depth]).toEqual([0, 0]);
    await journal.close();
  });

  test('that has room asks nobody to wait', async () => {
    const journal = await open();
    reader(journal, 'reader');
    journal.append(event('run/1'));
    expect(journal.full).toBe(false);
    await journal.room();
    await journal.close();
  });

  test('a consumer that is asked for twice is the same one', async () => {
    const journal = await open();
    expect(reader(journal, 'reader').consumer).toBe(reader(journal, 'reader').consumer);
    await journal.close();
  });

  test('closing twice is safe, and what comes later disturbs nobody', async () => {
    const journal = await open();
    reader(journal, 'reader');
    await journal.close();
    await journal.close();
    journal.append(event('run/1'));
    await journal.durable();
    await journal.room();
  });

  // A hundred journals, each on a disk that others may keep busy.
  test('whatever is appended and read in whatever order, each consumer gets the same events in the same order', {
    timeout: 120_000,
  }, async () => {
    const step = fc.oneof(
      fc.record({ append: fc.integer({ min: 0, max: 30 }) }),
      fc.record({ read: fc.constantFrom('x', 'y', 'z'), limit: fc.integer({ min: 1, max: 5 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const journal = await open();
        const repeats = new Set<number>();
        journal.listen({ onRepeat: ({ time }) => repeats.add(time), onTrouble: () => {} });
        const readers = ['x', 'y', 'z'].map((name) => ({
          name,
          ...reader(journal, name),
          heard: [] as string[],
        }));
        // An id may come again; when it came tells one from the other.
        const appended: ChainEvent[] = [];
        const key = ({ eventId, time }: ChainEvent) => `${eventId} at ${time}`;
        for (const doing of steps) {
          if ('append' in doing) {
            const one = event(`run${doing.append % 3}/${doing.append}`, appended.length);
            appended.push(one);
            journal.append(one);
            continue;
          }
          const { consumer, heard } = readers.find(({ name }) => name === doing.read) ?? readers[0] ?? fail();
          for (const one of consumer.read(doing.limit)) {
            heard.push(key(one));
            consumer.settle(one, 'ok', delivery(1));
          }
        }
        await journal.durable();
        const expected = appended.filter(({ time }) => !repeats.has(time)).map(key);
        expect(new Set(appended.map(({ eventId }) => eventId)).size).toBeLessThanOrEqual(expected.length);
        for (const { consumer, read, heard } of readers) {
          expect(consumer.depth).toBe(expected.length - heard.length);
          heard.push(...(await read(expected.length - heard.length)).map(key));
          expect(heard).toEqual(expected);
          expect(consumer.read(1)).toEqual([]);
        }
        await journal.close();
      }),
      { numRuns: 100 },
    );
  });
}

function fail(): never {
  throw new Error('there is no such reader');
}
