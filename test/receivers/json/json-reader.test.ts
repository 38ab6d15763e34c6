import { afterAll, beforeAll, expect, test } from 'vitest';
import { JsonReader } from '../../../src/receivers/json/json-reader.ts';
import { conserverSpan, request } from '../../support/otlp-request.ts';

let reader: JsonReader;
beforeAll(() => {
  reader = new JsonReader();
});
afterAll(() => reader.close());

const MANY = 1_000;

test('a large body says the same as its parts', async () => {
  const large = request(Array.from({ length: MANY }, () => conserverSpan('link.a', { link_index: 3 }))).json;
  expect(large.length).toBeGreaterThan(256 * 1024);
  const { items, counts } = await reader.read('traces', large);
  const one = await reader.read('traces', request([conserverSpan('link.a', { link_index: 3 })]).json);
  expect(items).toEqual(Array(MANY).fill(one.items[0]));
  expect(counts).toEqual({ ignored: 0, rejected: 0 });
});

test('large bodies at the same time are kept apart, and one that is refused holds up nobody', async () => {
  const body = (name: string) =>
    request(Array.from({ length: MANY }, () => conserverSpan(`link.${name}`))).json;
  const reads = await Promise.allSettled([
    reader.read('traces', body('a')),
    reader.read('traces', Buffer.alloc(300_000, '[')),
    reader.read('traces', body('b')),
  ]);
  expect(reads).toMatchObject([
    { value: { items: { length: MANY, 0: { name: 'a' } } } },
    { reason: { code: 'BODY_INVALID', message: 'the body is nested too deep' } },
    { value: { items: { length: MANY, 0: { name: 'b' } } } },
  ]);
});

test.each([
  ['nested without end', Buffer.from(`${'[['.repeat(50_000)}`)],
  ['objects nested without end', Buffer.from('{"a":'.repeat(100_000))],
  ['with more values than memory', Buffer.from(`[${'0,'.repeat(5_000_001)}0]`)],
  ['a string without end', Buffer.from(`["${'x'.repeat(300_000)}`)],
  ['escapes without end', Buffer.from(`["${'\\'.repeat(300_001)}"]`)],
])('%s: refused', async (_, body) => {
  await expect(reader.read('traces', body)).rejects.toMatchObject({ code: 'BODY_INVALID' });
});

test('brackets in strings are no nesting', async () => {
  const text = JSON.stringify({ resourceSpans: [], note: '"\\['.repeat(2_000) });
  expect((await reader.read('traces', Buffer.from(text))).items).toEqual([]);
});

test('records are read one by one, and what is wrong with one is said', async () => {
  const { items } = await reader.read('records', Buffer.from('[{"v":3},7]'));
  expect(items).toEqual([{ error: 'a record has no valid v' }, { error: 'a record is not a JSON object' }]);
});

test('more than 10,000 records are refused', async () => {
  const body = Buffer.from(`[${'{},'.repeat(10_000)}{}]`);
  await expect(reader.read('records', body)).rejects.toMatchObject({ code: 'BODY_INVALID' });
});

test('after close what is large is refused, not waited for', async () => {
  const closed = new JsonReader();
  await closed.close();
  await closed.close();
  await expect(closed.read('traces', Buffer.alloc(300_000, ' '))).rejects.toMatchObject({
    code: 'BODY_INVALID',
  });
});
