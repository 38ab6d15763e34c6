import { randomBytes } from 'node:crypto';
import {
  constants,
  createZstdCompress,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib';
import { Pool } from 'undici';
import { describe, expect, test } from 'vitest';
import { notUtf8 } from '../../support/not-utf8.ts';
import { conserverSpan, decodeAnswer, request } from '../../support/otlp-request.ts';
import { bomb, GZIP, JSON_TYPE, PROTOBUF, startReceiver } from '../../support/receiver.ts';

const TWO = request([conserverSpan('link.a'), conserverSpan('http GET')]);
const MEBIBYTE = 1024 * 1024;

describe('spans', () => {
  test.each([
    ['protobuf', TWO.protobuf, PROTOBUF],
    ['JSON', TWO.json, { 'content-type': 'application/json; charset=utf-8' }],
    ['protobuf in gzip', gzipSync(TWO.protobuf), { ...PROTOBUF, ...GZIP }],
    ['JSON in gzip', gzipSync(TWO.json), { ...JSON_TYPE, 'content-encoding': 'GZIP' }],
    ['protobuf in x-gzip', gzipSync(TWO.protobuf), { ...PROTOBUF, 'content-encoding': 'x-gzip' }],
    ['protobuf in zstd', zstdCompressSync(TWO.protobuf), { ...PROTOBUF, 'content-encoding': 'zstd' }],
    ['protobuf in deflate', deflateSync(TWO.protobuf), { ...PROTOBUF, 'content-encoding': 'deflate' }],
    [
      'protobuf in a bare deflate',
      deflateRawSync(TWO.protobuf),
      { ...PROTOBUF, 'content-encoding': 'deflate' },
    ],
    ['protobuf as it is', TWO.protobuf, { ...PROTOBUF, 'content-encoding': 'identity' }],
  ])('%s is answered in its own encoding', async (_, body, headers) => {
    const { post, sink, counts } = await startReceiver();
    const answer = await post('/v1/traces', body, headers);
    const json = headers['content-type'].startsWith('application/json');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe(json ? 'application/json' : 'application/x-protobuf');
    expect(await answer.text()).toBe(json ? '{}' : '');
    expect(sink.taken).toMatchObject([{ stage: 'link', name: 'a' }]);
    expect(['accepted', 'ignored'].map((outcome) => counts.of('spans', outcome as 'accepted'))).toEqual([
      1, 1,
    ]);
  });

  test.each([
    [23, 200],
    [24, 400],
  ])(
    'zstd with a window of 2^%i bytes is answered %i: a few bytes may not ask for much memory',
    async (windowLog, status) => {
      const { post } = await startReceiver();
      // As one that does not know how much comes, it asks for the window as a whole.
      const packer = createZstdCompress({ params: { [constants.ZSTD_c_windowLog]: windowLog } });
      packer.write(TWO.protobuf);
      packer.flush(() => packer.end());
      const body = Buffer.concat(await packer.toArray());
      const headers = { ...PROTOBUF, 'content-encoding': 'zstd' };
      expect((await post('/v1/traces', body, headers)).status).toBe(status);
    },
  );

  test('an empty body is an empty request', async () => {
    const { post } = await startReceiver();
    expect((await post('/v1/traces', '')).status).toBe(200);
    expect((await post('/v1/traces', gzipSync(''), { ...PROTOBUF, ...GZIP })).status).toBe(200);
  });

  test('those that cannot be used are a partial success', async () => {
    const { post, counts } = await startReceiver();
    const body = request([conserverSpan('link.a', {}, { spanId: '' }), conserverSpan('link.b')]);
    const protobuf = await post('/v1/traces', body.protobuf);
    expect(protobuf.status).toBe(200);
    const partialSuccess = { rejectedSpans: 1, errorMessage: expect.stringMatching(/^spans/) };
    expect(decodeAnswer('ExportTraceServiceResponse', new Uint8Array(await protobuf.arrayBuffer()))).toEqual({
      partialSuccess,
    });
    const json = await post('/v1/traces', body.json, JSON_TYPE);
    expect(await json.json()).toEqual({ partialSuccess: { ...partialSuccess, rejectedSpans: '1' } });
    expect(counts.of('spans', 'rejected')).toBe(2);
  });

  test('200 comes only when they survive a crash', async () => {
    const { post, sink } = await startReceiver();
    const kept = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    let answered = false;
    sink.keep = () => {
      asked.resolve();
      return kept.promise;
    };
    const answer = post('/v1/traces', TWO.protobuf).finally(() => {
      answered = true;
    });
    await asked.promise;
    expect([sink.taken.length, answered]).toEqual([1, false]);
    kept.resolve();
    expect((await answer).status).toBe(200);
  });
});

describe('refused', () => {
  test.each([
    ['a body that is no protobuf', Buffer.from('no protobuf'), PROTOBUF, 400, 3],
    ['a body that is no JSON', Buffer.from('{'), JSON_TYPE, 400, 3],
    ['JSON that is no UTF-8', notUtf8('{"note":"?"}'), JSON_TYPE, 400, 3],
    ['an empty body of JSON', Buffer.alloc(0), JSON_TYPE, 400, 3],
    ['a body that is not packed as it says', TWO.protobuf, { ...PROTOBUF, ...GZIP }, 400, 3],
    ['one that ends too early', gzipSync(TWO.protobuf).subarray(0, 40), { ...PROTOBUF, ...GZIP }, 400, 3],
    ['another type', TWO.protobuf, { 'content-type': 'text/plain' }, 415, 3],
    ['a type that is none', TWO.protobuf, { 'content-type': 'x' }, 415, 3],
    ['another packing', TWO.protobuf, { ...PROTOBUF, 'content-encoding': 'br' }, 415, 3],
    ['two packings', TWO.protobuf, { ...PROTOBUF, 'content-encoding': 'gzip, gzip' }, 415, 3],
    ['a packing called __proto__', TWO.protobuf, { ...PROTOBUF, 'content-encoding': '__proto__' }, 415, 3],
    ['what is too large as it comes', Buffer.alloc(MEBIBYTE + 1), PROTOBUF, 413, 8],
    ['what is too large when unpacked', bomb(MEBIBYTE + 1), { ...PROTOBUF, ...GZIP }, 413, 8],
    ['a bomb', bomb(200 * MEBIBYTE), { ...PROTOBUF, ...GZIP }, 413, 8],
    [
      'a bare bomb',
      deflateRawSync(Buffer.alloc(200 * MEBIBYTE)),
      { ...PROTOBUF, 'content-encoding': 'deflate' },
      413,
      8,
    ],
    ['no deflate at all', Buffer.alloc(1_000, 0xff), { ...PROTOBUF, 'content-encoding': 'deflate' }, 400, 3],
    ['noise that is too large', gzipSync(randomBytes(2 * MEBIBYTE)), { ...JSON_TYPE, ...GZIP }, 413, 8],
  ])('%s', async (_, body, headers, status, code) => {
    const { post, sink } = await startReceiver({ maxBody: MEBIBYTE });
    const answer = await post('/v1/traces', body, headers);
    expect(answer.status).toBe(status);
    const text = Buffer.from(await answer.arrayBuffer());
    const isProtobuf = headers['content-type'] === PROTOBUF['content-type'];
    expect(isProtobuf ? decodeAnswer('Status', text) : JSON.parse(text.toString())).toEqual({
      code,
      message: expect.any(String),
    });
    expect(sink.taken).toEqual([]);
    // The connection and the receiver are fit for the next one.
    expect((await post('/v1/traces', TWO.protobuf)).status).toBe(200);
  });

  test('one without a length that is too large', async () => {
    const { url } = await startReceiver({ maxBody: MEBIBYTE });
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        for (let at = 0; at < 20; at++) controller.enqueue(new Uint8Array(MEBIBYTE / 10));
        controller.close();
      },
    });
    const answer = await fetch(`${url}/v1/traces`, {
      method: 'POST',
      body,
      headers: PROTOBUF,
      duplex: 'half',
    });
    expect(answer.status).toBe(413);
  });

  test('the connection is fit for the next request', async () => {
    const { url } = await startReceiver({ maxBody: MEBIBYTE });
    const only = new Pool(url, { connections: 1 });
    const send = async (body: Buffer, headers: Record<string, string> = {}) => {
      const { statusCode, body: answer } = await only.request({
        method: 'POST',
        path: '/v1/traces',
        headers: { ...PROTOBUF, ...headers },
        body,
      });
      await answer.dump();
      return statusCode;
    };
    expect(await send(TWO.protobuf)).toBe(200);
    expect(await send(randomBytes(2 * MEBIBYTE))).toBe(413);
    expect(await send(bomb(20 * MEBIBYTE), GZIP)).toBe(413);
    expect(await send(randomBytes(MEBIBYTE), GZIP)).toBe(400);
    expect(await send(TWO.protobuf)).toBe(200);
    await only.close();
  });

  test('the answer does not quote the body', async () => {
    const { post } = await startReceiver();
    const answer = await post('/v1/traces', '{"secret": +15551234567', JSON_TYPE);
    expect(await answer.text()).not.toMatch(/secret|1555/);
  });

  test('while there is no room: 503, Retry-After, UNAVAILABLE', async () => {
    const { post, sink } = await startReceiver();
    sink.full = true;
    const answer = await post('/v1/traces', TWO.protobuf);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
    expect(decodeAnswer('Status', new Uint8Array(await answer.arrayBuffer()))).toMatchObject({ code: 14 });
    expect(sink.taken).toEqual([]);
  });

  test('what could not be kept: 503, and nothing is counted', async () => {
    const { post, sink, counts } = await startReceiver();
    sink.keep = () => Promise.reject(new Error('on purpose'));
    const answer = await post('/v1/traces', TWO.protobuf);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
    expect(counts.of('spans', 'accepted')).toBe(0);
  });

  test('bodies that together would take too much memory: 503, and room again afterwards', async () => {
    const { post, sink } = await startReceiver();
    const kept = Promise.withResolvers<void>();
    sink.keep = () => kept.promise;
    // Held while they wait to be kept: eight of 16 MiB are all there is room for.
    const large = unknownField();
    const answers = Array.from({ length: 12 }, () => post('/v1/traces', large));
    const first = await Promise.race(answers);
    expect(first.status).toBe(503);
    kept.resolve();
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200, 503]));
    expect((await post('/v1/traces', large)).status).toBe(200);
  });
});

/** A body that holds one field that nobody knows. */
function unknownField(): Buffer {
  return Buffer.concat([Buffer.from('7a80808007', 'hex'), Buffer.alloc(14 * MEBIBYTE)]);
}
