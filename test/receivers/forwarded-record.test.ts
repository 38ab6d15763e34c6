import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VconOtelError } from '../../src/model/error.ts';
import { readRecord } from '../../src/receivers/forwarded-record.ts';
import { recordText } from './forwarded-records.ts';

const read = (changes: Readonly<Record<string, unknown>> = {}) =>
  readRecord(JSON.parse(recordText(1, changes)));

test('in and out are put right: Python passes what came out as `in`', () => {
  expect(read({ in: 'uuid-after', out: 'uuid-before' })).toEqual({
    tracer: 'jlinc',
    before: 'uuid-before',
    after: 'uuid-after',
    links: ['transcribe', 'analyze', 'tag'],
    index: 1,
    time: 1_700_000_000_000_000_001n,
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    rootSpanId: 'b7ad6b7169203332',
    chain: 'main',
    worker: { host: 'conserver-1', pid: 42 },
    seq: 1,
    vconSha256: 'a'.repeat(64),
  });
});

test.each([true, false, null, 1, '', 'a b', 'ü', 'x'.repeat(129), ['uuid'], { uuid: 'uuid' }])(
  'what is no uuid (%j) is absent: a link may return anything',
  (value) => {
    expect(read({ in: value })).toMatchObject({ before: 'uuid-1', after: undefined });
    expect(read({ out: value })).toMatchObject({ before: undefined, after: 'uuid-1' });
  },
);

test.each([
  ['0'.repeat(16), '0'.repeat(32)],
  ['B7AD6B7169203331', '0AF7651916CD43DD8448EB211C80319C'],
  ['b7ad6b716920333', '0af7651916cd43dd8448eb211c80319'],
  ['b7ad6b7169203331\n', '0af7651916cd43dd8448eb211c80319c\n'],
  ['', ''],
  [null, null],
  [7, 7],
  [['b7ad6b7169203331'], {}],
])('ids that are none (%j, %j) are absent, and cost the record nothing', (span, trace) => {
  const record = read({ trace_id: trace, span_id: span, root_span_id: span, chain: '', vcon_sha256: trace });
  expect(record).toMatchObject({ seq: 1, before: 'uuid-1' });
  const { traceId, spanId, rootSpanId, chain, vconSha256 } = record;
  expect([traceId, spanId, rootSpanId, chain, vconSha256]).toEqual(Array(5).fill(undefined));
});

test('the ids may be missing altogether', () => {
  const ids = ['trace_id', 'span_id', 'root_span_id', 'chain', 'vcon_sha256'];
  const record = read(Object.fromEntries(ids.map((id) => [id, undefined])));
  expect(record).toMatchObject({ seq: 1, traceId: undefined, chain: undefined });
});

test.each([
  ['v', 2],
  ['v', '1'],
  ['kind', 'trace'],
  ['tracer', ''],
  ['links', 'transcribe'],
  ['links', ['']],
  ['index', -2],
  ['index', 3],
  ['index', 1.5],
  ['index', 1e308],
  ['index', '1'],
  ['index', true],
  ['ts', 1_700_000_000_000_000_000],
  ['ts', '-1'],
  ['ts', ''],
  ['ts', '1e9'],
  ['ts', '1'.repeat(21)],
  ['worker', null],
  ['worker', { host: 'a' }],
  ['worker', { host: 'a', pid: -1 }],
  ['seq', -1],
  ['seq', 2 ** 53],
  ['seq', 1e21],
  ['seq', null],
  ['in', undefined],
  ['out', undefined],
])('a record whose %s is %j is refused, by the name of the field', (field, value) => {
  expect(() => read({ [field]: value })).toThrow(
    expect.objectContaining({ code: 'RECORD_INVALID', message: expect.stringContaining(field) }),
  );
});

test('a record has no more links, and no longer names, than can be true', () => {
  expect(read({ links: Array(1_000).fill('a') }).links).toHaveLength(1_000);
  const limits = 'no valid links: at most 1000 names, with 8192 characters together';
  expect(() => read({ links: Array(1_001).fill('a') })).toThrow(limits);
  expect(read({ links: Array(32).fill('x'.repeat(256)) }).links).toHaveLength(32);
  expect(() => read({ links: Array(33).fill('x'.repeat(256)) })).toThrow(limits);
  expect(() => read({ tracer: 'x'.repeat(257) })).toThrow('no valid tracer');
});

test('what is refused is not quoted', () => {
  const canary = { canary: 'canary' };
  for (const changes of [{ v: canary }, { links: ['a', canary] }, { ts: 'canary' }, { worker: canary }])
    expect(() => read(changes)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('canary') }),
    );
});

test('the largest numbers are read as they are', () => {
  expect(read({ ts: '9'.repeat(20), seq: Number.MAX_SAFE_INTEGER })).toMatchObject({
    time: 99_999_999_999_999_999_999n,
    seq: Number.MAX_SAFE_INTEGER,
  });
});

test('-1 is before the first link, and a chain may have none', () => {
  expect(read({ index: -1 }).index).toBe(-1);
  expect(read({ index: -1, links: [] }).links).toEqual([]);
});

describe('keys of a prototype', () => {
  test('are nothing special', () => {
    const text = recordText(1).replace(
      /}$/,
      ',"__proto__":{"tracer":"canary"},"constructor":1,"toString":2}',
    );
    const record = readRecord(JSON.parse(text));
    expect(record.tracer).toBe('jlinc');
    expect(Object.getPrototypeOf(record)).toBe(Object.prototype);
    expect(Object.keys(record)).not.toContain('__proto__');
    expect({}).not.toHaveProperty('tracer');
  });

  test('do not stand in for fields', () => {
    expect(() => readRecord(JSON.parse(`{"__proto__":${recordText(1)}}`))).toThrow(VconOtelError);
    const worker = `"worker":{"__proto__":{"host":"a","pid":1}}`;
    const text = recordText(1).replace(/"worker":\{[^}]*\}/, worker);
    expect(() => readRecord(JSON.parse(text))).toThrow(VconOtelError);
  });
});

test('any JSON is a record or refused', () => {
  const field = fc.constantFrom(...Object.keys(JSON.parse(recordText(1))));
  fc.assert(
    fc.property(fc.jsonValue(), field, fc.jsonValue(), (value, name, other) => {
      for (const candidate of [value, { ...JSON.parse(recordText(1)), [name]: other }])
        try {
          expect(readRecord(candidate).links).toBeInstanceOf(Array);
        } catch (error) {
          expect(error).toMatchObject({ code: 'RECORD_INVALID' });
        }
    }),
    { seed: 7, numRuns: 500 },
  );
});

test('equal lists of links are kept once', () => {
  const linksOf = (...links: string[]) => read({ index: -1, links }).links;
  expect(linksOf('transcribe', 'analyze')).toBe(linksOf('transcribe', 'analyze'));
  expect(linksOf('transcribe')).toEqual(['transcribe']);
  expect(linksOf('a\nb')).toEqual(['a\nb']);
  expect(linksOf('a', 'b')).toEqual(['a', 'b']);
});
