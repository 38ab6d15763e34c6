import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { JsonReader } from '../../../src/receivers/json/json-reader.ts';
import { decodeTraces } from '../../../src/receivers/otlp/decode.ts';
import type { DecodedTraces } from '../../../src/receivers/otlp/receive.ts';
import { capturedRequests, NO_CAPTURES } from '../../support/captures.ts';
import { conserverSpan, encode, field, type JsonSpan, request } from '../../support/otlp-request.ts';

let reader: JsonReader;
beforeAll(() => {
  reader = new JsonReader();
});
afterAll(() => reader.close());

describe.skipIf(NO_CAPTURES)('the recordings (skipped where ../shared is not there)', () => {
  for (const { name, protobuf, json } of capturedRequests())
    test(`${name} says the same in both encodings`, async () => {
      const decoded = plain(await decodeTraces(protobuf, 'protobuf', reader));
      expect(decoded).toEqual(plain(await decodeTraces(json, 'json', reader)));
      expect(decoded.rejected).toBe(0);
      expect(decoded.spans.length + decoded.ignored).toBe(
        json.toString().split('"startTimeUnixNano"').length - 1,
      );
    });

  test('a vCon passes a chain', async () => {
    const { spans } = await decodeAll('02-uuid-change');
    const [chain] = spans.filter(({ stage }) => stage === 'chain');
    expect(chain).toMatchObject({ chain: 'main', failed: false, links: undefined, queuedBy: [] });
    const links = spans
      .filter(({ traceId }) => traceId === chain?.traceId)
      .filter(({ stage }) => stage === 'link');
    expect(links).toMatchObject([
      { name: 'a', index: 0, failed: false },
      { name: 'nu', index: 1, failed: false },
      { name: 'b', index: 2, failed: false },
    ]);
  });

  test('a link that raised has failed; its chain, whose status is UNSET, does not say so', async () => {
    const { spans } = await decodeAll('04-link-raises');
    expect(spans.filter(({ failed }) => failed)).toMatchObject([
      { stage: 'link', name: 'analyze', errorType: 'ValueError' },
    ]);
    expect(spans.filter(({ undecided }) => undecided)).toMatchObject([{ stage: 'chain', failed: false }]);
  });

  test('the chain that queued a vCon is known', async () => {
    const { spans } = await decodeAll('08-two-chains-egress');
    const mains = spans.filter(({ stage, chain }) => stage === 'chain' && chain === 'main');
    const seconds = spans.filter(({ stage, chain }) => stage === 'chain' && chain === 'second');
    expect(seconds.map((second) => second.stage === 'chain' && second.queuedBy[0]?.spanId).sort()).toEqual(
      mains.map(({ spanId }) => spanId).sort(),
    );
  });
});

describe('which spans are ours', () => {
  test.each([
    ['http GET', {}],
    ['link.', {}],
    ['storage.s3', { chain_name: undefined }],
    ['storage.s3', { chain_name: 7 }],
    ['link.a', { vcon_id: undefined }],
  ])('%s with %j is ignored', async (name, attributes) => {
    expect(await both([conserverSpan(name, attributes)])).toEqual({ spans: [], ignored: 1, rejected: 0 });
  });

  test('a vcon_id that is no uuid is as good as none', async () => {
    const [span] = (await both([conserverSpan('link.a', { vcon_id: true })])).spans;
    expect(span).toMatchObject({ stage: 'link', vconUuid: undefined });
  });

  test('the name of the span counts, not the attribute', async () => {
    const [span] = (await both([conserverSpan('link.a.b', { link_name: 'other' })])).spans;
    expect(span).toMatchObject({ name: 'a.b' });
  });

  test.each([
    ['traceId', '00000000000000000000000000000000'],
    ['traceId', 'fc3f1bba'],
    ['spanId', '0000000000000000'],
    ['spanId', ''],
    ['startTimeUnixNano', '0'],
    ['endTimeUnixNano', '0'],
  ])('one with %s %j is rejected', async (key, value) => {
    const span = conserverSpan('storage.s3', {}, { [key]: value });
    expect(await both([span])).toEqual({ spans: [], ignored: 0, rejected: 1 });
  });

  test('a name that is as long as a document is rejected', async () => {
    expect((await both([conserverSpan(`link.${'x'.repeat(300)}`)])).rejected).toBe(1);
  });

  test('a parent id of zeros is none', async () => {
    const [span] = (await both([conserverSpan('link.a', {}, { parentSpanId: '0000000000000000' })])).spans;
    expect(span).toMatchObject({ parentSpanId: undefined });
  });
});

describe('what a span says', () => {
  test.each([[0], ['2'], [3.0]])('link_index %j is an index', async (index) => {
    const [span] = (await both([conserverSpan('link.a', { link_index: index })])).spans;
    expect(span).toMatchObject({ index: Number(index) });
  });

  test('a whole double is an index, any other number is none', async () => {
    const index = (doubleValue: number) => conserverSpan('link.a', { link_index: { doubleValue } });
    const { spans } = await both([index(2), index(2.5), index(-1)]);
    expect(spans).toMatchObject([{ index: 2 }, { index: undefined }, { index: undefined }]);
  });

  test('our own attributes are read', async () => {
    const { spans } = await both(
      [
        conserverSpan('vcon_processing.main', {
          'vcon.chain.links': ['a', 'b'],
          'vcon.chain.outcome': 'halted',
          'vcon.out_uuid': 'N1',
        }),
        conserverSpan('link.a', { 'vcon.link.outcome': 'halt', 'vcon.out_uuid': 'no uuid' }),
      ],
      'vcon-otel',
    );
    expect(spans).toMatchObject([
      { stage: 'chain', links: ['a', 'b'], outcome: 'halted', outVconUuid: 'N1' },
      { stage: 'link', outcome: 'halt', outVconUuid: undefined },
    ]);
  });

  test('links that are not all texts are none', async () => {
    const { spans } = await both([
      conserverSpan('vcon_processing.main', { 'vcon.chain.links': ['a', 7] }),
      conserverSpan('vcon_processing.main', { 'vcon.chain.links': [['a']] }),
    ]);
    expect(spans).toMatchObject([{ links: undefined }, { links: undefined }]);
  });

  test('span links are the chains that queued the vCon', async () => {
    const queue = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), flags: 0x301 };
    const links = [queue, { ...queue, spanId: '00'.repeat(8) }];
    const [span] = (await both([conserverSpan('vcon_processing.main', {}, { links })])).spans;
    expect(span).toMatchObject({
      queuedBy: [{ traceId: queue.traceId, spanId: queue.spanId, traceFlags: 1 }],
    });
  });
});

describe('failure', () => {
  const UNSET = {};
  const OK = { code: 1 };
  const ERROR = { code: 2 };
  test.each([
    ['vcon_processing.main', '__main__', OK, false],
    ['vcon_processing.main', '__main__', UNSET, false],
    ['vcon_processing.main', '__mp_main__', UNSET, false],
    ['vcon_processing.main', '__main__', ERROR, true],
    ['vcon_processing.main', 'vcon-otel', UNSET, false],
    ['vcon_processing.main', 'vcon-otel', ERROR, true],
    ['link.a', '__main__', UNSET, false],
    ['link.a', '__main__', ERROR, true],
    ['storage.s', '__main__', OK, false],
  ])('%s of scope %s with status %j: %s', async (name, scope, status, failed) => {
    const [span] = (await both([conserverSpan(name, {}, { status })], scope)).spans;
    expect(span).toMatchObject({ failed });
  });

  test.each([
    ['what error.type says', { 'error.type': 'TimeoutError' }, ['ValueError'], 'TimeoutError'],
    ['what the first exception is', {}, ['ValueError', 'KeyError'], 'ValueError'],
    ['no text', { 'error.type': 'could not call +15551234567' }, [], '_OTHER'],
    ['something else where nothing says it', {}, [], '_OTHER'],
  ])('its type is %s', async (_, attributes, exceptions, errorType) => {
    const events = exceptions.map((type) => ({
      name: 'exception',
      attributes: [
        { key: 'exception.message', value: { stringValue: 'secret' } },
        { key: 'exception.type', value: { stringValue: type } },
      ],
    }));
    const decoded = await both([conserverSpan('link.a', attributes, { status: ERROR, events })]);
    expect(decoded.spans).toMatchObject([{ errorType }]);
    expect(JSON.stringify(decoded)).not.toContain('secret');
  });

  test('one that has not failed has no error type', async () => {
    const [span] = (await both([conserverSpan('link.a', { 'error.type': 'X' })])).spans;
    expect(span).toMatchObject({ failed: false, errorType: undefined });
  });
});

describe('protobuf', () => {
  test('an empty body is an empty request', async () => {
    expect(plain(await decodeTraces(Buffer.alloc(0), 'protobuf', reader))).toEqual(NOTHING);
  });

  test('a scope that stands behind its spans is theirs', async () => {
    const span = encode(conserverSpan('vcon_processing.main'), 'opentelemetry.proto.trace.v1.Span');
    const scope = encode({ name: '__main__' }, 'InstrumentationScope');
    const body = field(1, field(2, Buffer.concat([field(2, span), field(1, scope)])));
    expect(plain(await decodeTraces(body, 'protobuf', reader)).spans).toMatchObject([{ undecided: true }]);
  });

  test('text that is not UTF-8 makes nothing unreadable', async () => {
    const { protobuf } = request([conserverSpan('link.abc'), conserverSpan('http xyz')]);
    protobuf[protobuf.indexOf('xyz')] = 0xff;
    expect(plain(await decodeTraces(protobuf, 'protobuf', reader))).toMatchObject({ ignored: 1 });
  });

  test.each([
    ['its name', 'link.?'],
    ['an attribute that is read', 'of the chain?'],
    ['its exception', 'KeyError?'],
  ])('a span in which %s is not UTF-8 is rejected, and the others are read', async (_, text) => {
    const events = [
      { name: 'exception', attributes: [{ key: 'exception.type', value: { stringValue: 'KeyError?' } }] },
    ];
    const broken = conserverSpan('link.?', { chain_name: 'of the chain?', note: 'what?' }, { events });
    const body = request([broken, conserverSpan('link.b')]).protobuf;
    body[body.indexOf(text) + text.length - 1] = 0xff;
    expect(plain(await decodeTraces(body, 'protobuf', reader))).toMatchObject({
      spans: [{ name: 'b' }],
      rejected: 1,
    });
  });

  test('what is not read may be of any bytes', async () => {
    const body = request([conserverSpan('link.a', { note: 'what?' })]).protobuf;
    body[body.indexOf('what?') + 4] = 0xff;
    expect((await decodeTraces(body, 'protobuf', reader)).rejected).toBe(0);
  });

  test.each([
    ['what ends too early', Buffer.from('0a05', 'hex')],
    ['a group', Buffer.from('0b0c', 'hex')],
    ['field number 0', Buffer.from('0200', 'hex')],
    ['text', Buffer.from('{"resourceSpans":[]}')],
  ])('%s is refused', async (_, body) => {
    await expect(decodeTraces(body, 'protobuf', reader)).rejects.toMatchObject({ code: 'BODY_INVALID' });
  });

  test('a span with more fields than any SDK writes is rejected, and the others are read', async () => {
    const attributes = Array.from({ length: 10_000 }, (_, index) => ({
      key: `a key that is not read ${index}`,
      value: { intValue: 1 },
    }));
    const huge = conserverSpan('link.a', {}, { attributes });
    const { protobuf } = request([huge, conserverSpan('link.b')]);
    expect(plain(await decodeTraces(protobuf, 'protobuf', reader))).toMatchObject({
      spans: [{ name: 'b' }],
      rejected: 1,
    });
  });

  test('a span whose status is too large to read is rejected: it may have failed', async () => {
    const { status: _, ...unset } = conserverSpan('link.a');
    const span = encode(unset, 'opentelemetry.proto.trace.v1.Span');
    const status = field(15, Buffer.from('1802'.repeat(40_000), 'hex'));
    const body = field(1, field(2, field(2, Buffer.concat([span, status]))));
    expect(plain(await decodeTraces(body, 'protobuf', reader))).toEqual({ ...NOTHING, rejected: 1 });
  });

  test('the exception of a span whose message is a document is read', async () => {
    const attributes = [
      { key: 'exception.message', value: { stringValue: 'x'.repeat(1_000_000) } },
      { key: 'exception.type', value: { stringValue: 'KeyError' } },
    ];
    const span = conserverSpan(
      'link.a',
      {},
      { status: { code: 2 }, events: [{ name: 'exception', attributes }] },
    );
    expect((await both([span])).spans).toMatchObject([{ errorType: 'KeyError' }]);
  });
});

describe('JSON', () => {
  const json = async (text: string) => plain(await decodeTraces(Buffer.from(text), 'json', reader));

  test('ids in capitals, numbers for strings, nulls and unknown fields are no obstacle', async () => {
    const span = conserverSpan(
      'link.a',
      {},
      {
        traceId: 'FC3F1BBA840FF5F9F4FD79364F041FF8',
        startTimeUnixNano: 1795296102973835000,
        events: null,
        links: null,
        status: null,
        future: { deep: [1] },
      },
    );
    expect(
      (await json(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }))).spans,
    ).toMatchObject([{ traceId: 'fc3f1bba840ff5f9f4fd79364f041ff8', failed: false }]);
  });

  test.each([
    ['STATUS_CODE_ERROR', true],
    ['ERROR', true],
    ['Error', true],
    [2, true],
    ['2', true],
    ['STATUS_CODE_OK', false],
    ['OK', false],
    [1, false],
    ['STATUS_CODE_UNSET', false],
    ['UNSET', false],
    [0, false],
    [null, false],
    [undefined, false],
  ])('in JSON, the status code %j means failed: %s', async (code, failed) => {
    const span = { ...conserverSpan('link.a'), status: { code } };
    const decoded = await json(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }));
    expect(decoded.spans).toMatchObject([{ failed }]);
  });

  test.each([[{ code: 3 }], [{ code: -1 }], [{ code: 'BROKEN' }], [{ code: {} }], ['ERROR'], [[2]], [2]])(
    'a status of %j cannot be read: the span is rejected, and no success',
    async (status) => {
      const spans = [{ ...conserverSpan('link.a'), status }, conserverSpan('link.b')];
      const decoded = await json(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }));
      expect([decoded.rejected, decoded.spans.length]).toEqual([1, 1]);
    },
  );

  test.each(['{}', '{"resourceSpans":null}', '{"resourceSpans":[{}]}', '{"other":1}'])(
    '%s is empty',
    async (text) => {
      expect(await json(text)).toEqual(NOTHING);
    },
  );

  test.each([
    '',
    'null',
    '[]',
    '7',
    '{"resourceSpans":7}',
    '{"resourceSpans":[7]}',
    '{"resourceSpans":[{"scopeSpans":[{"spans":{}}]}]}',
    '{"resourceSpans":[',
  ])('%s is refused', async (text) => {
    await expect(json(text)).rejects.toMatchObject({ code: 'BODY_INVALID' });
  });

  test.each([{ attributes: {} }, { events: 5 }, { links: 'none' }])(
    'a span with %j is rejected, and no other',
    async (change) => {
      const spans = [{ ...conserverSpan('link.a'), ...change }, conserverSpan('link.b')];
      const decoded = await json(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }));
      expect([decoded.spans.length, decoded.rejected]).toEqual([1, 1]);
    },
  );

  test.each([{ doubleValue: 3 }, { doubleValue: '3' }, { intValue: 3 }, { intValue: '3' }])(
    'a link_index of %j is 3',
    async (value) => {
      const { attributes, ...span } = conserverSpan('link.a');
      const spans = [{ ...span, attributes: [...(attributes as object[]), { key: 'link_index', value }] }];
      const decoded = await json(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }));
      expect(decoded.spans).toMatchObject([{ index: 3 }]);
    },
  );

  test('a request as OTLP before 0.20 had it is read, and one with the names of the definition is refused', async () => {
    const span = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), name: 'vcon_processing.main' };
    const whole = {
      ...span,
      startTimeUnixNano: '1790000000000000000',
      endTimeUnixNano: '1790000000000000001',
      attributes: ['vcon_id', 'chain_name'].map((key) => ({ key, value: { stringValue: 'main' } })),
    };
    const scoped = [{ instrumentationLibrary: { name: '__main__' }, spans: [whole] }];
    const old = { resourceSpans: [{ instrumentationLibrarySpans: scoped }] };
    expect((await json(JSON.stringify(old))).spans).toHaveLength(1);
    for (const wrong of [{ resource_spans: [] }, { resourceSpans: [{ scope_spans: [] }] }])
      await expect(json(JSON.stringify(wrong))).rejects.toMatchObject({ code: 'BODY_INVALID' });
  });

  test('what is called __proto__ is a name like any other', async () => {
    const text = '{"__proto__":{"resourceSpans":[{}]},"constructor":{"prototype":{"a":1}}}';
    expect(await json(text)).toEqual(NOTHING);
    expect(Object.hasOwn(Object.prototype, 'a')).toBe(false);
  });
});

const NOTHING = { spans: [], ignored: 0, rejected: 0 };

/** The same from both encodings. */
async function both(spans: readonly JsonSpan[], scope?: string): Promise<DecodedTraces> {
  const { protobuf, json } = request(spans, scope);
  const decoded = plain(await decodeTraces(protobuf, 'protobuf', reader));
  expect(plain(await decodeTraces(json, 'json', reader))).toEqual(decoded);
  return decoded;
}

async function decodeAll(recording: string): Promise<DecodedTraces> {
  const decoded = await Promise.all(
    capturedRequests(recording).map(({ protobuf }) => decodeTraces(protobuf, 'protobuf', reader)),
  );
  return { ...NOTHING, spans: decoded.flatMap(({ spans }) => spans) };
}

function plain({ spans, ignored, rejected }: DecodedTraces): DecodedTraces {
  return { spans, ignored, rejected };
}
