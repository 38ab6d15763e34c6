import { deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { Received } from '../../src/model/received.ts';
import { readRecord } from '../../src/receivers/forwarded-record.ts';
import { withReceived } from '../../src/receivers/received.ts';
import { describeWithRedis } from '../redis-server.ts';
import { eventually } from '../support/eventually.ts';
import { conserverSpan, request } from '../support/otlp-request.ts';
import { GZIP, JSON_TYPE, PROTOBUF, startReceiver } from '../support/receiver.ts';
import { recordText } from './forwarded-records.ts';
import { StreamStand } from './stream-stand.ts';

// What came is kept as it came, and read again it is what it was.

const SOME = request([
  conserverSpan('link.a'),
  conserverSpan('http GET'),
  conserverSpan('vcon_processing.b'),
]);
const MANY = request(Array.from({ length: 2_000 }, () => conserverSpan('link.a')));
const RECORDS = `[${recordText(1)}, {"v": 1}, ${recordText(2)}]`;
const ZSTD = { 'content-encoding': 'zstd' };
const DEFLATE = { 'content-encoding': 'deflate' };

const again = (received: Received) => withReceived((read) => read(received));

test.each([
  ['protobuf', SOME.protobuf, PROTOBUF, 'otlp_protobuf', 'none'],
  ['protobuf in gzip', gzipSync(SOME.protobuf), { ...PROTOBUF, ...GZIP }, 'otlp_protobuf', 'gzip'],
  [
    'protobuf in deflate',
    deflateSync(SOME.protobuf),
    { ...PROTOBUF, ...DEFLATE },
    'otlp_protobuf',
    'deflate',
  ],
  [
    'protobuf in a bare deflate',
    deflateRawSync(SOME.protobuf),
    { ...PROTOBUF, ...DEFLATE },
    'otlp_protobuf',
    'deflate',
  ],
  ['protobuf in zstd', zstdCompressSync(SOME.protobuf), { ...PROTOBUF, ...ZSTD }, 'otlp_protobuf', 'zstd'],
  ['JSON', SOME.json, JSON_TYPE, 'otlp_json', 'none'],
  ['JSON in gzip', gzipSync(SOME.json), { ...JSON_TYPE, ...GZIP }, 'otlp_json', 'gzip'],
  ['JSON that is read in a thread', MANY.json, JSON_TYPE, 'otlp_json', 'none'],
])('spans: %s', async (_, body, headers, form, packing) => {
  const { post, sink } = await startReceiver();
  expect((await post('/v1/traces', body, headers)).status).toBe(200);
  const [received] = sink.received;
  expect(received).toMatchObject({ form, packing });
  expect(Buffer.from(received?.bytes ?? []).equals(Buffer.from(body))).toBe(true);
  expect(await again(received as Received)).toEqual({ spans: sink.taken, records: [] });
});

test.each([
  ['as they are', RECORDS, JSON_TYPE, 'none'],
  ['in gzip', gzipSync(RECORDS), { ...JSON_TYPE, ...GZIP }, 'gzip'],
])('records over HTTP, without those that are refused: %s', async (_, body, headers, packing) => {
  const { post, sink } = await startReceiver();
  expect((await post('/v1/bridge', body, headers)).status).toBe(200);
  const [received] = sink.received;
  expect(received).toMatchObject({ form: 'records', packing });
  expect(Buffer.from(received?.bytes ?? []).equals(Buffer.from(body))).toBe(true);
  expect(sink.records.map(({ seq }) => seq)).toEqual([1, 2]);
  expect(await again(received as Received)).toEqual({ spans: [], records: sink.records });
});

describeWithRedis('records off a stream', () => {
  test('a batch is kept as one, in the texts that its entries had', async () => {
    await using stand = await StreamStand.start();
    await stand.write(0, 300);
    const { sink } = await stand.receive();
    await eventually('all are there', () => sink.distinct === 300 || undefined);
    expect(sink.received.length).toBeLessThan(30);
    const records = [];
    for (const received of sink.received) records.push(...(await again(received)).records);
    expect(records).toEqual(Array.from({ length: 300 }, (_, seq) => readRecord(JSON.parse(recordText(seq)))));
  });
});

test('what is no more what it was cannot be read', async () => {
  const bytes = gzipSync(SOME.protobuf);
  const cut = (form: Received['form'], packing: Received['packing']) =>
    again({ form, packing, bytes: bytes.subarray(0, -9) });
  await expect(cut('otlp_protobuf', 'gzip')).rejects.toThrow();
  await expect(cut('otlp_protobuf', 'none')).rejects.toThrow();
  await expect(cut('records', 'none')).rejects.toThrow();
  await expect(cut('entries', 'none')).rejects.toThrow();
});
