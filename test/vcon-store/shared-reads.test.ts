import { expect, test } from 'vitest';
import type { VconStore } from '../../src/model/vcon.ts';
import { memoryVconStore } from '../../src/vcon-store/memory.ts';
import { SharedReads } from '../../src/vcon-store/shared-reads.ts';
import { ManualClock } from '../support/manual-clock.ts';

const event = (eventId: string) => ({ eventId });

/** A store of documents that notes what is read, and one that shares what was read. */
async function start(texts: Readonly<Record<string, string>> = { V: 'one' }) {
  const store = memoryVconStore();
  for (const [uuid, text] of Object.entries(texts)) await store.write(uuid, text);
  const reads: string[] = [];
  const noted: VconStore = {
    ...store,
    read: (uuid) => {
      reads.push(uuid);
      return uuid === 'away' ? Promise.reject(new Error('away')) : store.read(uuid);
    },
  };
  const clock = new ManualClock();
  return { store, reads, clock, shared: new SharedReads(noted, clock) };
}

test('a document is read once for all who ask for it at one event, at once or later', async () => {
  const { shared, reads } = await start();
  const [one, other] = await Promise.all([shared.read('V', event('e')), shared.read('V', event('e'))]);
  expect([one, other, await shared.read('V', event('e'))]).toEqual(['one', 'one', 'one']);
  expect(reads).toEqual(['V']);
  expect(shared.counts).toEqual({ found: 1, missing: 0, failed: 0, shared: 2 });
});

test('it is read anew at another event, for another uuid, and where no event is named', async () => {
  const { shared, store, reads } = await start({ V: 'one', W: 'two' });
  await shared.read('V', event('e'));
  await store.write('V', 'changed');
  expect(await shared.read('V', event('f'))).toBe('changed');
  expect(await shared.read('V')).toBe('changed');
  expect(await shared.read('W', event('e'))).toBe('two');
  expect(reads).toEqual(['V', 'V', 'V', 'W']);
});

test('what is not there, or could not be read, is asked for again', async () => {
  const { shared, store, reads } = await start();
  expect(await shared.read('later', event('e'))).toBeUndefined();
  await store.write('later', 'here');
  expect(await shared.read('later', event('e'))).toBe('here');
  const both = [shared.read('away', event('e')), shared.read('away', event('e'))];
  expect((await Promise.allSettled(both)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await expect(shared.read('away', event('e'))).rejects.toThrow('away');
  expect(reads).toEqual(['later', 'later', 'away', 'away']);
  expect(shared.counts).toEqual({ found: 1, missing: 1, failed: 2, shared: 0 });
});

test('it is kept for five seconds', async () => {
  const { shared, reads, clock } = await start();
  await shared.read('V', event('e'));
  await clock.pass(4_999);
  await shared.read('V', event('e'));
  expect(reads).toHaveLength(1);
  await clock.pass(1);
  await shared.read('V', event('e'));
  expect(reads).toHaveLength(2);
});

test('no more is kept than 16 Mi characters: the oldest goes, and what is larger is not kept at all', async () => {
  const large = 'x'.repeat(6 * 1024 * 1024);
  const { shared, reads } = await start({ a: large, b: large, c: large, larger: large + large + large });
  for (const uuid of ['a', 'b', 'c', 'larger', 'larger', 'c', 'b', 'a']) await shared.read(uuid, event('e'));
  expect(reads).toEqual(['a', 'b', 'c', 'larger', 'larger', 'a']);
});
