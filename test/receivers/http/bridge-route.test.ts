import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { VconOtelError } from '../../../src/model/error.ts';
import { capturedRecords, NO_CAPTURES } from '../../support/captures.ts';
import { notUtf8 } from '../../support/not-utf8.ts';
import { GZIP, JSON_TYPE, PROTOBUF, startReceiver } from '../../support/receiver.ts';

const RECORD = {
  v: 1,
  kind: 'run',
  tracer: 'forward',
  in: 'V1',
  out: 'V1',
  links: ['a'],
  index: 0,
  ts: '1795296102973834936',
  worker: { host: 'h', pid: 1 },
  seq: 1,
};
const NONE = { accepted: 0, duplicate: 0, late: 0, rejected: [] };

describe.skipIf(NO_CAPTURES)('the recordings (skipped where ../shared is not there)', () => {
  test('every record is accepted', async () => {
    const { post, sink } = await startReceiver();
    const records = capturedRecords('02-uuid-change');
    const answer = await post('/v1/bridge', JSON.stringify(records), JSON_TYPE);
    expect([answer.status, await answer.json()]).toEqual([200, { ...NONE, accepted: records.length }]);
    expect(sink.records).toHaveLength(records.length);
  });
});

describe('records', () => {
  test.each([
    ['one', RECORD, 1],
    ['a list', [RECORD, RECORD], 2],
    ['an empty list', [], 0],
  ])('%s', async (_, body, accepted) => {
    const { post, sink, counts } = await startReceiver();
    const answer = await post('/v1/bridge', gzipSync(JSON.stringify(body)), { ...JSON_TYPE, ...GZIP });
    expect([answer.status, await answer.json()]).toEqual([200, { ...NONE, accepted }]);
    expect(sink.records).toHaveLength(accepted);
    expect(counts.of('records', 'accepted')).toBe(accepted);
  });

  test.each(['duplicate', 'late'] as const)('what is %s is said', async (outcome) => {
    const { post, sink, counts } = await startReceiver();
    sink.outcome = outcome;
    const answer = await post('/v1/bridge', JSON.stringify(RECORD), JSON_TYPE);
    expect([answer.status, await answer.json()]).toEqual([200, { ...NONE, [outcome]: 1 }]);
    expect(counts.of('records', outcome)).toBe(1);
  });

  test('those that are invalid are rejected, the others accepted', async () => {
    const { post, counts } = await startReceiver();
    const answer = await post('/v1/bridge', JSON.stringify([{ ...RECORD, seq: -1 }, RECORD, 7]), JSON_TYPE);
    expect([answer.status, await answer.json()]).toEqual([
      200,
      {
        ...NONE,
        accepted: 1,
        rejected: [
          { index: 0, error: 'a record has no valid seq' },
          { index: 2, error: 'a record is not a JSON object' },
        ],
      },
    ]);
    expect(counts.of('records', 'rejected')).toBe(2);
  });

  test('10,000 at once', async () => {
    const { post, sink } = await startReceiver();
    const answer = await post('/v1/bridge', JSON.stringify(Array(10_000).fill(RECORD)), JSON_TYPE);
    expect(await answer.json()).toEqual({ ...NONE, accepted: 10_000 });
    expect(sink.records).toHaveLength(10_000);
  });
});

describe('refused', () => {
  test.each([
    ['a list of invalid ones', '[{}]', JSON_TYPE, 400],
    ['no JSON', '{', JSON_TYPE, 400],
    ['no UTF-8', notUtf8(JSON.stringify({ ...RECORD, chain: '?' })), JSON_TYPE, 400],
    ['nothing', '', JSON_TYPE, 400],
    ['deep nesting', '['.repeat(100_000), JSON_TYPE, 400],
    ['too many', `[${'{},'.repeat(10_000)}{}]`, JSON_TYPE, 400],
    ['__proto__', '{"__proto__":{"v":1}}', JSON_TYPE, 400],
    ['another type', JSON.stringify(RECORD), PROTOBUF, 415],
  ])('%s', async (_, body, headers, status) => {
    const { post, sink } = await startReceiver();
    const answer = await post('/v1/bridge', body, headers);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject(body === '[{}]' ? { rejected: [{ index: 0 }] } : {});
    expect(sink.records).toEqual([]);
  });

  test.each(['wait=yes', 'wait=delivered&timeout=0', 'wait=delivered&timeout=301', 'timeout=x'])(
    'the query %s',
    async (query) => {
      const { post } = await startReceiver();
      expect((await post(`/v1/bridge?${query}`, JSON.stringify(RECORD), JSON_TYPE)).status).toBe(400);
    },
  );

  test('while there is no room: 503 and Retry-After', async () => {
    const { post, sink } = await startReceiver();
    sink.full = true;
    const answer = await post('/v1/bridge', JSON.stringify(RECORD), JSON_TYPE);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
    expect(sink.records).toEqual([]);
  });

  test('what could not be kept: 503', async () => {
    const { post, sink } = await startReceiver();
    sink.keep = () => Promise.reject(new VconOtelError('EVENTS_LOST', 'on purpose'));
    expect((await post('/v1/bridge', JSON.stringify(RECORD), JSON_TYPE)).status).toBe(503);
  });
});

describe('?wait=delivered', () => {
  const send = async (deliver: () => Promise<void>, query = 'wait=delivered') => {
    const { post, sink } = await startReceiver();
    sink.deliver = deliver;
    const answer = await post(`/v1/bridge?${query}`, JSON.stringify([RECORD, RECORD]), JSON_TYPE);
    return [answer.status, await answer.json()];
  };

  test('answers when every record is delivered', async () => {
    let delivered = 0;
    const answer = await send(async () => {
      delivered++;
    });
    expect([delivered, answer]).toEqual([2, [200, { ...NONE, accepted: 2 }]]);
  });

  test('504 when the time is up', async () => {
    const answer = await send(() => new Promise(() => undefined), 'wait=delivered&timeout=0.05');
    expect(answer).toEqual([504, { error: expect.stringContaining('0.05 s'), code: 'TIMEOUT' }]);
  });

  test('502 when a tracer has failed for good', async () => {
    const failed = new VconOtelError('TRACER_FAILED', 'on purpose');
    expect(await send(() => Promise.reject(failed))).toEqual([
      502,
      { error: expect.any(String), code: 'TRACER_FAILED' },
    ]);
  });

  test('nobody waits who did not ask', async () => {
    const answer = await send(() => new Promise(() => undefined), '');
    expect(answer).toMatchObject([200, { accepted: 2 }]);
  });
});
