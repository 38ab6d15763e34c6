import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Delivery } from '../../src/journal/consumer.ts';
import type { EventLogState, Repeat } from '../../src/journal/event-log.ts';
import type { Inbox } from '../../src/journal/inbox.ts';
import type { Journal } from '../../src/journal/journal.ts';
import type { ChainEvent } from '../../src/model/event.ts';
import { runs } from '../support/search.ts';
import { reader } from './reader.ts';

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

/** What is reported of a delivery that went well, or failed. */
export function delivery(attempts: number, errorType?: string): Delivery {
  return { attempts, since: 1_000, duration: 0.1, errorType };
}

export const ids = (events: readonly ChainEvent[]) => events.map(({ eventId }) => eventId);

/**
 * What every journal has to keep, whatever it is made of. Events may become readable later than they are appended, but
 * all of them do.
 */
export function testJournal(open: () => Journal | Promise<Journal>): void {
  testInbox(open);

  test('each consumer reads everything once, in order, at its own pace', async () => {
    const journal = await open();
    const [quick, slow] = [reader(journal, 'quick'), reader(journal, 'slow')];
    await journal.append(['run/1', 'run/2', 'run/3'].map((id) => event(id)));
    expect(ids(await quick.read(2))).toEqual(['run/1', 'run/2']);
    expect(ids(await quick.read(1))).toEqual(['run/3']);
    expect(await quick.consumer.readNow(9)).toEqual([]);
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
    await journal.append([appended]);
    expect(await read(1)).toEqual([appended]);
    await journal.close();
  });

  test('a consumer that comes later begins at the end', async () => {
    const journal = await open();
    const early = reader(journal, 'early');
    await journal.append([event('run/1')]);
    const late = reader(journal, 'late');
    await journal.append([event('run/2')]);
    expect(ids(await early.read(2))).toEqual(['run/1', 'run/2']);
    expect(ids(await late.read(1))).toEqual(['run/2']);
    await journal.close();
  });

  test('an event that is kept already is reported as a repeat, and given to nobody', async () => {
    const journal = await open();
    const { consumer, read } = reader(journal, 'reader');
    const repeats = await journal.append(['run/1', 'run/1', 'run/2'].map((id) => event(id)));
    const later = await journal.append(['run/2', 'run/3'].map((id) => event(id)));
    expect(ids(await read(3))).toEqual(['run/1', 'run/2', 'run/3']);
    expect([...repeats, ...later].map((repeat) => repeat.event.eventId)).toEqual(['run/1', 'run/2']);
    expect([consumer.depth, await consumer.readNow(9)]).toEqual([3, []]);
    await journal.close();
  });

  test('of a repeat it is known whether a consumer has still to hear it, where that is asked', async () => {
    const journal = await open();
    const [asked] = [reader(journal, 'asked'), reader(journal, 'other')];
    await journal.append(['run/1', 'run/2'].map((id) => event(id)));
    const [one] = await asked.read(1);
    if (one) asked.consumer.settle(one, 'ok', delivery(1));
    const repeats = await journal.append(
      ['run/1', 'run/2'].map((id) => event(id)),
      ['asked'],
    );
    expect(repeats.map(({ progress }) => [...progress])).toEqual([
      [['asked', 'settled']],
      [['asked', 'pending']],
    ]);
    await journal.close();
  });

  test('batches become durable in their order, and an empty one when all before it are', async () => {
    const journal = await open();
    reader(journal, 'reader');
    const done: string[] = [];
    const batches = ['run/1', 'run/2', 'run/3'].map((id) =>
      journal.append([event(id)]).then(() => done.push(id)),
    );
    await journal.append([]);
    await Promise.all(batches);
    expect(done).toEqual(['run/1', 'run/2', 'run/3']);
    await journal.close();
  });

  test('what is read counts as pending until it is settled, however it is', async () => {
    const journal = await open();
    const { consumer, read } = reader(journal, 'reader');
    const outcomes = ['ok', 'failed', 'dead', 'unheard'] as const;
    await journal.append(outcomes.map((_, index) => event(`run/${index}`, index)));
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
    await journal.append([event('run/1')]);
    const [one] = await read(1);
    if (!one) throw new Error('no event was read');
    expect(consumer.attemptsAt(one)).toBeUndefined();
    consumer.retry(one, delivery(1, 'TypeError'));
    await journal.append([]);
    expect([consumer.depth, await consumer.readNow(9)]).toEqual([1, []]);
    consumer.settle(one, 'ok', delivery(2));
    expect(consumer.depth).toBe(0);
    await journal.close();
  });

  test('a consumer that found nothing to read is told when there is something', async () => {
    const journal = await open();
    const told = Promise.withResolvers<void>();
    const { consumer, read } = reader(journal, 'reader', { onReadable: told.resolve });
    expect(await consumer.readNow(9)).toEqual([]);
    await journal.append([event('run/1')]);
    await told.promise;
    expect(ids(await read(1))).toEqual(['run/1']);
    await journal.close();
  });

  test('a consumer that is far behind reads everything, in order', async () => {
    const journal = await open();
    const [quick, slow] = [reader(journal, 'quick'), reader(journal, 'slow')];
    const appended = Array.from({ length: 5_000 }, (_, index) => `run${index % 7}/${index}`);
    for (let from = 0; from < appended.length; from += 1_000) {
      await journal.append(appended.slice(from, from + 1_000).map((id) => event(id)));
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

  test('that has room says so to whoever watches it, however many do, and as long as they want', async () => {
    const journal = await open();
    reader(journal, 'reader');
    const said: EventLogState[] = [];
    const ends = ['one', 'other'].map(() => journal.observe({ onState: (state) => said.push(state) }));
    expect(said).toMatchObject([
      { full: false, failing: false },
      { full: false, failing: false },
    ]);
    for (const end of ends) end();
    await journal.append([event('run/1')]);
    expect(said.length).toBe(2);
    await journal.close();
  });

  test('a consumer that is asked for twice is the same one', async () => {
    const journal = await open();
    const listener = { onReadable: () => {}, onCounts: () => {}, onDrop: () => {}, onSkip: () => {} };
    expect(await journal.consumer('reader', listener)).toBe(await journal.consumer('reader', listener));
    await journal.close();
  });

  test('closing twice is safe, and what comes later is refused', async () => {
    const journal = await open();
    reader(journal, 'reader');
    const inbox = await journal.openInbox();
    await journal.close();
    await journal.close();
    await expect(journal.append([event('run/1')])).rejects.toMatchObject({ code: 'EVENTS_LOST' });
    await expect(inbox.append([Buffer.from('a')])).rejects.toMatchObject({ code: 'EVENTS_LOST' });
    expect(await journal.append([])).toEqual([]);
  });

  test('whatever is appended and read in whatever order, each consumer gets the same events in the same order', async () => {
    const step = fc.oneof(
      fc.record({ append: fc.integer({ min: 0, max: 30 }) }),
      fc.record({ read: fc.constantFrom('x', 'y', 'z'), limit: fc.integer({ min: 1, max: 5 }) }),
    );
    // One for all cases, each with consumers and runs of its own: to open a hundred takes a busy machine minutes.
    const journal = await open();
    let cases = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        cases += 1;
        const own = String(cases);
        const repeats = new Set<number>();
        const note = (found: readonly Repeat[]) => {
          for (const repeat of found) repeats.add(repeat.event.time);
        };
        const readers = ['x', 'y', 'z'].map((name) => ({
          name,
          ...reader(journal, `${name} of ${own}`),
          heard: [] as string[],
        }));
        // An id may come again; when it came tells one from the other.
        const appended: ChainEvent[] = [];
        const key = ({ eventId, time }: ChainEvent) => `${eventId} at ${time}`;
        for (const doing of steps) {
          if ('append' in doing) {
            const one = event(`run${doing.append % 3} of ${own}/${doing.append}`, appended.length);
            appended.push(one);
            void journal.append([one]).then(note);
            continue;
          }
          const { consumer, heard } = readers.find(({ name }) => name === doing.read) ?? readers[0] ?? fail();
          for (const one of await consumer.readNow(doing.limit)) {
            heard.push(key(one));
            consumer.settle(one, 'ok', delivery(1));
          }
        }
        await journal.append([]);
        const expected = appended.filter(({ time }) => !repeats.has(time)).map(key);
        expect(new Set(appended.map(({ eventId }) => eventId)).size).toBeLessThanOrEqual(expected.length);
        for (const { consumer, read, heard } of readers) {
          expect(consumer.depth).toBe(expected.length - heard.length);
          heard.push(...(await read(expected.length - heard.length)).map(key));
          expect(heard).toEqual(expected);
          expect(await consumer.readNow(1)).toEqual([]);
        }
      }),
      { numRuns: runs(100) },
    );
    await journal.close();
  });
}

/** What every input log has to keep. */
function testInbox(open: () => Journal | Promise<Journal>): void {
  const bytes = (...bodies: string[]) => bodies.map((body) => Buffer.from(body));
  const read = async (inbox: Inbox, from: number, page = 2) => {
    const bodies: string[] = [];
    for (;;) {
      const entries = await inbox.read(from, page);
      const end = entries.at(-1);
      if (!end) return bodies;
      bodies.push(...entries.map(({ body = '' }) => Buffer.from(body).toString()));
      from = end.place + 1;
    }
  };

  test('entries are read in the order in which they were appended, from any place on', async () => {
    const journal = await open();
    const inbox = await journal.openInbox();
    const places = await Promise.all(
      [['a', 'b'], [], ['c', 'ü']].map((bodies) => inbox.append(bytes(...bodies))),
    );
    expect(await read(inbox, inbox.lowWatermark)).toEqual(['a', 'b', 'c', 'ü']);
    expect(await read(inbox, places[2] ?? 0)).toEqual(['c', 'ü']);
    expect(places[2]).toBe(places[1]);
    await journal.close();
  });

  test('what lies below the low watermark is not read any more, whoever moves it back', async () => {
    const journal = await open();
    const inbox = await journal.openInbox();
    const first = await inbox.append(bytes('a', 'b', 'c'));
    inbox.advance(first + 2);
    inbox.advance(first + 1);
    expect(inbox.lowWatermark).toBe(first + 2);
    await journal.append([]);
    expect(await read(inbox, first)).toEqual(['c']);
    inbox.advance(await inbox.append([]));
    expect(await read(inbox, first)).toEqual([]);
    await inbox.append(bytes('d'));
    expect(await read(inbox, inbox.lowWatermark)).toEqual(['d']);
    await journal.close();
  });

  test('an event is durable only when the entries before it are', async () => {
    const journal = await open();
    const inbox = await journal.openInbox();
    reader(journal, 'reader');
    const done: string[] = [];
    const entry = inbox.append(bytes('a')).then(() => done.push('entry'));
    await journal.append([event('run/1')]).then(() => done.push('event'));
    expect(done).toEqual(['entry', 'event']);
    await entry;
    await journal.close();
  });
}

function fail(): never {
  throw new Error('there is no such reader');
}
