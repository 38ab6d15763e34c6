import { setImmediate as turn } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import type { DeliveryReport } from '../../src/journal/consumer.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { memoryJournal } from '../../src/journal/memory.ts';
import type { ChainEvent } from '../../src/model/event.ts';
import { event, ids } from '../journal/contract.ts';
import { openJournal, temporaryPath } from '../journal/temporary-journal.ts';
import { dispatcherTo } from '../support/dispatcher.ts';
import { PATIENCE } from '../support/eventually.ts';

/** A journal in memory that notes what it is handed. */
function watched() {
  const memory = memoryJournal();
  const appended: (readonly ChainEvent[])[] = [];
  const reported: (readonly (DeliveryReport | ChainEvent)[])[] = [];
  const journal: Journal = {
    ...memory,
    append(events, consumers) {
      appended.push(events);
      return memory.append(events, consumers);
    },
    async consumer(name, listener) {
      const consumer = await memory.consumer(name, listener);
      return {
        read: (limit) => consumer.read(limit),
        report(reports) {
          reported.push(reports);
          consumer.report(reports);
        },
        heard(events, seconds) {
          reported.push(events);
          consumer.heard(events, seconds);
        },
      };
    },
  };
  return { journal, appended, reported };
}

async function start(trace: (uuid: string, event: string, opts: unknown, context: ChainEvent) => unknown) {
  const { journal, appended, reported } = watched();
  const dispatcher = dispatcherTo([{ name: 'a', module: { trace } }], journal);
  await turn();
  return { dispatcher, appended, reported };
}

test('what is accepted is heard before the next turn of the event loop is over', async () => {
  const heard: string[] = [];
  const { dispatcher } = await start((_uuid, _event, _opts, { eventId }) => heard.push(eventId));
  for (let i = 0; i < 3; i += 1) {
    dispatcher.accept(event(`run${i}/chain/start`));
    expect(heard.length).toBe(i);
    await turn();
    expect(heard.length).toBe(i + 1);
  }
  await dispatcher.shutdown(1_000);
});

test('what is accepted in one turn goes to the journal together, and so does what became of it', async () => {
  const { dispatcher, appended, reported } = await start(() => undefined);
  for (let i = 0; i < 5; i += 1) dispatcher.accept(event(`run${i}/chain/start`));
  await Promise.resolve();
  for (let i = 5; i < 10; i += 1) dispatcher.accept(event(`run${i}/chain/start`));
  await turn();
  expect(appended.filter((events) => events.length > 0).map((events) => events.length)).toEqual([10]);
  expect(reported.map((reports) => reports.length)).toEqual([10]);
  await dispatcher.shutdown(1_000);
});

test('is durable when all that was accepted is, although it was not handed to the journal yet', async () => {
  const { dispatcher, appended } = await start(() => undefined);
  dispatcher.accept(event('run/chain/start'));
  await dispatcher.durable();
  expect(appended.flatMap((events) => ids(events))).toEqual(['run/chain/start']);
  await dispatcher.shutdown(1_000);
});

test('while events become durable the journal is not asked for them over and over', async () => {
  const { journal } = await openJournal({ path: temporaryPath() });
  const heard: string[] = [];
  const trace = (_uuid: string, _event: string, _opts: unknown, { eventId }: ChainEvent) =>
    heard.push(eventId);
  const dispatcher = dispatcherTo([{ name: 'a', module: { trace } }], journal);
  const listener = { onReadable() {}, onCounts() {}, onDrop() {}, onSkip() {} };
  const read = vi.spyOn(await journal.consumer('a', listener), 'read');
  // Some are on their way to the disk whenever others have arrived there.
  for (let i = 0; i < 500; i += 1) {
    dispatcher.accept(event(`run${i}/chain/start`));
    await turn();
  }
  await vi.waitUntil(() => heard.length === 500, PATIENCE);
  // What became durable is read once, and then there is nothing at most once.
  expect(read.mock.calls.length).toBeLessThanOrEqual(2 * 500);
  await dispatcher.shutdown(1_000);
});

test('whoever waits for a run that comes after the end is told that it will not be heard', async () => {
  const module = { trace: () => undefined };
  const dispatcher = dispatcherTo(
    [{ name: 'strict', module, options: { dlq_vcon_on_error: true } }],
    memoryJournal(),
  );
  await dispatcher.shutdown(1_000);
  dispatcher.accept(event('late/chain/start'));
  await expect(dispatcher.delivered('late')).rejects.toMatchObject({ code: 'TRACER_FAILED' });
});

test('the limit of a tracer does not hold for who has a deadline of its own', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const strict = { module: { trace: () => promise }, options: { dlq_vcon_on_error: true } };
  const dispatcher = dispatcherTo(
    [{ ...strict, name: 'strict', delivery: { chainWait: 5 } }],
    memoryJournal(),
  );
  for (const run of ['patient', 'impatient']) dispatcher.accept(event(`${run}/chain/start`));
  let isDelivered = false;
  const patient = dispatcher.delivered('patient', true).then(() => {
    isDelivered = true;
  });
  await expect(dispatcher.delivered('impatient')).rejects.toMatchObject({ code: 'TRACER_FAILED' });
  await expect(dispatcher.delivered('impatient')).rejects.toMatchObject({ code: 'TRACER_FAILED' });
  expect(isDelivered).toBe(false);
  resolve();
  await patient;
  await dispatcher.shutdown(1_000);
});
