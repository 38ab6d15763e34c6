import { describe, expect, test } from 'vitest';
import { memoryVconStore } from '../../src/vcon-store/index.ts';
import { CONTEXT, vconQueueContract, vconStoreContract } from './contract.ts';

describe('the store in memory', () => {
  vconStoreContract(async () => memoryVconStore());
  vconQueueContract(async () => memoryVconStore());

  test('beyond its bound the document written longest ago is forgotten', async () => {
    const store = memoryVconStore({ maxVcons: 2 });
    await store.write('a', '1');
    await store.write('b', '2');
    await store.write('a', '3');
    await store.write('c', '4');
    expect(await store.read('b')).toBeUndefined();
    expect(await store.read('a')).toBe('3');
    expect(await store.read('c')).toBe('4');
  });

  test('a full list refuses, and takes again when there is room', async () => {
    const queue = memoryVconStore({ maxVcons: 1 });
    await queue.push('ingress', 'a');
    await expect(queue.push('ingress', 'b')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await queue.pop('ingress');
    await queue.push('ingress', 'b', CONTEXT);
    expect(await queue.pop('ingress')).toEqual({ uuid: 'b', context: CONTEXT });
  });

  test('the length of a list can be seen without taking from it', async () => {
    const queue = memoryVconStore();
    await queue.push('ingress', 'a');
    await queue.deadLetter('ingress', 'b');
    expect(queue.length('ingress')).toBe(1);
    expect(queue.length('DLQ:ingress')).toBe(1);
    await queue.pop('ingress');
    expect(queue.length('ingress')).toBe(0);
  });
});
