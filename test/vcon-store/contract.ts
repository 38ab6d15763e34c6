import { describe, expect, test } from 'vitest';
import type { QueuedContext, VconQueue, VconStore } from '../../src/model/vcon.ts';

/** A trace context such as a chain leaves for the next one. */
export const CONTEXT: QueuedContext = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: 1,
};

/** What every store of documents keeps to. `open` gives an empty one; the contract closes it. */
export function vconStoreContract(open: () => Promise<VconStore>): void {
  describe('as a store', () => {
    test('a document comes back as the very text that was written', async () => {
      await using store = await opened(open);
      const text = '{ "uuid":"v-1",\n  "subject": "Grüße – 你好 – 🎧",  "n": 1.0 }';
      await store.write('v-1', text);
      expect(await store.read('v-1')).toBe(text);
    });

    test('a document that was never written is undefined', async () => {
      await using store = await opened(open);
      expect(await store.read('nobody')).toBeUndefined();
    });

    test('the last write of a uuid is the one that counts', async () => {
      await using store = await opened(open);
      await store.write('v-1', '{"uuid":"v-1","n":1}');
      await store.write('v-2', '{"uuid":"v-2"}');
      await store.write('v-1', '{"uuid":"v-1","n":2}');
      expect(await store.read('v-1')).toBe('{"uuid":"v-1","n":2}');
      expect(await store.read('v-2')).toBe('{"uuid":"v-2"}');
    });

    test('writes of one uuid at the same time leave one of the documents, whole', async () => {
      await using store = await opened(open);
      const texts = Array.from({ length: 8 }, (_, n) =>
        JSON.stringify({ uuid: 'v-1', body: `${n}`.repeat(50_000) }),
      );
      await Promise.all(texts.map((text) => store.write('v-1', text)));
      expect(texts).toContain(await store.read('v-1'));
    });

    test('a document of some megabytes is kept', async () => {
      await using store = await opened(open);
      const text = JSON.stringify({ uuid: 'v-1', dialog: [{ body: 'A'.repeat(3_000_000) }] });
      await store.write('v-1', text);
      expect((await store.read('v-1')) === text).toBe(true);
    });

    test('names of object members are uuids like any other', async () => {
      await using store = await opened(open);
      expect(await store.read('__proto__')).toBeUndefined();
      expect(await store.read('constructor')).toBeUndefined();
      await store.write('__proto__', '{}');
      expect(await store.read('__proto__')).toBe('{}');
    });

    test('it can be closed twice, and before anything was asked of it', async () => {
      const store = await open();
      await store.close();
      await store.close();
    });
  });
}

/** What every queue keeps to. `open` gives an empty one; the contract closes it. */
export function vconQueueContract(open: () => Promise<VconStore & VconQueue>): void {
  describe('as a queue', () => {
    test('an empty list gives nothing', async () => {
      await using queue = await opened(open);
      expect(await queue.pop('ingress')).toBeUndefined();
    });

    test('uuids are taken in the order in which they were pushed', async () => {
      await using queue = await opened(open);
      for (const uuid of ['a', 'b', 'a', 'c']) await queue.push('ingress', uuid);
      const taken = [];
      for (let vcon = await queue.pop('ingress'); vcon; vcon = await queue.pop('ingress')) taken.push(vcon);
      expect(taken).toEqual([{ uuid: 'a' }, { uuid: 'b' }, { uuid: 'a' }, { uuid: 'c' }]);
    });

    test('lists know nothing of each other', async () => {
      await using queue = await opened(open);
      await queue.push('one', 'a', CONTEXT);
      await queue.push('two', 'a');
      expect(await queue.pop('two')).toEqual({ uuid: 'a' });
      expect(await queue.pop('one')).toEqual({ uuid: 'a', context: CONTEXT });
    });

    test('a context goes with its uuid, once', async () => {
      await using queue = await opened(open);
      const unsampled = { ...CONTEXT, spanId: '00f067aa0ba902b7', traceFlags: 0 };
      await queue.push('egress', 'a', CONTEXT);
      await queue.push('egress', 'b');
      await queue.push('egress', 'a', unsampled);
      expect(await queue.pop('egress')).toEqual({ uuid: 'a', context: CONTEXT });
      expect(await queue.pop('egress')).toEqual({ uuid: 'b' });
      expect(await queue.pop('egress')).toEqual({ uuid: 'a', context: unsampled });
      await queue.push('egress', 'a');
      expect(await queue.pop('egress')).toEqual({ uuid: 'a' });
    });

    test('a uuid can be queued whose document is gone', async () => {
      await using queue = await opened(open);
      await queue.push('ingress', 'gone');
      expect(await queue.pop('ingress')).toEqual({ uuid: 'gone' });
      expect(await queue.read('gone')).toBeUndefined();
    });

    test('dead letters are on a list of their own, and their documents are kept', async () => {
      await using queue = await opened(open);
      await queue.write('a', '{"uuid":"a"}');
      await queue.deadLetter('ingress', 'a');
      await queue.deadLetter('ingress', 'gone');
      expect(await queue.pop('ingress')).toBeUndefined();
      expect(await queue.pop('DLQ:ingress')).toEqual({ uuid: 'a' });
      expect(await queue.pop('DLQ:ingress')).toEqual({ uuid: 'gone' });
      expect(await queue.read('a')).toBe('{"uuid":"a"}');
    });
  });
}

async function opened<Store extends VconStore>(open: () => Promise<Store>): Promise<Store & AsyncDisposable> {
  const store = await open();
  return { ...store, [Symbol.asyncDispose]: () => store.close() };
}
