import { afterEach, describe, expect, test, vi } from 'vitest';
import { verifySignature } from '../../../examples/verify-signature.ts';
import { withoutSecrets } from '../../../src/config/redact.ts';
import type { EventContext, Options } from '../../../src/model/tracer.ts';
import { type Act, MISBEHAVIOURS, startServer } from '../../outgoing/misbehaving-server.ts';
import { PATIENCE } from '../../support/eventually.ts';
import { linkContext, started } from '../started.ts';

const MODULE = 'tracers.external_audit';
const KEY = 'kanari-key';
const SIGNING_KEY = 'kanari signing key';
const EVENT = linkContext();

const closing: { close(): Promise<void> }[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const one of closing.splice(0)) await one.close();
});

const ok: Act = (response) => response.writeHead(201).end('{}');

/** A service that answers as told, and the tracer that sends to it. */
async function start(act: Act, options: Options = {}) {
  const server = await startServer(act);
  closing.push(server);
  const tracer = await started(MODULE, {
    api_url: String(server.url),
    api_key: KEY,
    system_id: 'conserver',
    allow_private_hosts: ['127.0.0.1'],
    ...options,
  });
  closing.unshift({ close: tracer.shutdown });
  const send = (eventId = EVENT.eventId, facts: Partial<EventContext> = {}) =>
    tracer.trace(EVENT.outVconUuid, 'link_complete', linkContext({ eventId, ...facts }));
  return { ...tracer, server, send };
}

const PAYLOAD = {
  system_id: 'conserver',
  entity_id: EVENT.outVconUuid,
  entity_type: 'vcon',
  event_type: 'link_complete',
  timestamp: '2026-03-01T12:00:00.250Z',
};
const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-53995c3f42cd8ad8-01';

describe('an event', () => {
  test('is posted in the documented form, with its id, its trace and the key', async () => {
    const { send, server } = await start(ok);
    await send();
    expect(server.received.map(({ path, body }) => [path, JSON.parse(body)])).toEqual([['/path', PAYLOAD]]);
    expect(server.received[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      authorization: `Bearer ${KEY}`,
      'idempotency-key': EVENT.eventId,
      traceparent: TRACEPARENT,
    });
    expect(server.received[0]?.headers).not.toHaveProperty('vcon-signature');
  });

  test('of an unsampled span says so', async () => {
    const { send, server } = await start(ok);
    await send('a', { spanContext: { ...EVENT.spanContext, traceFlags: 0 } });
    expect(server.received[0]?.headers.traceparent).toBe(TRACEPARENT.replace(/01$/, '00'));
  });

  test('without an api_key has no Authorization', async () => {
    const server = await startServer(ok);
    closing.push(server);
    const { trace, shutdown } = await started(MODULE, {
      api_url: String(server.url),
      system_id: 'conserver',
      allow_private_hosts: ['127.0.0.1'],
    });
    await trace(EVENT.outVconUuid, 'link_complete', EVENT);
    await shutdown();
    expect(server.received[0]?.headers).not.toHaveProperty('authorization');
  });

  test.each([
    ['r/storage/Größe 100%\n/start', 'r/storage/Gr%C3%B6%C3%9Fe%20100%25%0A/start'],
    ['r/storage/\ud83d\ude00\ud83d/start', 'r/storage/%F0%9F%98%80%EF%BF%BD/start'],
  ])('whose id is %j has a header all the same', async (eventId, header) => {
    const { send, server } = await start(ok);
    await send(eventId);
    expect(server.received[0]?.headers['idempotency-key']).toBe(header);
  });

  test('that is sent again is the same to the byte', async () => {
    const { send, server } = await start(ok);
    await send();
    await send();
    const [first, second] = server.received;
    expect(second?.body).toBe(first?.body);
    expect(second?.headers['idempotency-key']).toBe(first?.headers['idempotency-key']);
  });
});

describe('a signed request', () => {
  test.each([1, 10])(
    'with batch_size %i is verified by the example, and what is changed is not',
    async (batch_size) => {
      const { send, server } = await start(ok, { signing_key: SIGNING_KEY, batch_size });
      await send('r/storage/é/start');
      const [{ headers, body } = { headers: {}, body: '' }] = server.received;
      const plain = headers as Record<string, string>;
      const verify = (changed: Record<string, string>, text = body, key = SIGNING_KEY) =>
        verifySignature(key, { ...plain, ...changed }, text);
      expect(verify({})).toBe(true);
      expect(verify({}, `${body} `)).toBe(false);
      expect(verify({ 'idempotency-key': 'other' })).toBe(false);
      expect(verify({}, body, 'another signing key')).toBe(false);
      expect(verify({ 'vcon-signature': '' })).toBe(false);
      const [, time = '', mac = ''] = /^t=(\d+),v1=(.*)$/.exec(plain['vcon-signature'] ?? '') ?? [];
      expect(verify({ 'vcon-signature': `t=${Number(time) + 1},v1=${mac}` })).toBe(false);
      vi.useFakeTimers({ toFake: ['Date'], now: (Number(time) + 301) * 1_000 });
      expect(verify({})).toBe(false);
    },
  );
});

describe('batches', () => {
  test('are lists of what comes while a request is under way, each with its id and trace', async () => {
    const { send, server } = await start(ok, { batch_size: 3 });
    await Promise.all(['0', '1', '2', '3', '4'].map((id) => send(id)));
    const lists = server.received.map(({ body }) => JSON.parse(body) as { event_id: string }[]);
    expect(lists.map((list) => list.map(({ event_id }) => event_id))).toEqual([
      ['0', '1', '2'],
      ['3', '4'],
    ]);
    expect(lists[0]?.[0]).toEqual({ ...PAYLOAD, event_id: '0', traceparent: TRACEPARENT });
    const keys = server.received.map(({ headers }) => headers['idempotency-key']);
    expect(keys).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), expect.stringMatching(/^[0-9a-f]{64}$/)]);
    expect(keys[0]).not.toBe(keys[1]);
  });

  test('of which one event is refused cost that one only', async () => {
    const { send, server } = await start(
      (response, { body }) => response.writeHead(body.includes('"bad') ? 422 : 200).end(),
      { batch_size: 8 },
    );
    const settled = await Promise.allSettled(
      ['0', '1', 'bad 1', '3', '4', 'bad 2', '6'].map((id) => send(id)),
    );
    expect(settled.map(({ status }) => status[0]).join('')).toBe('ffrffrf');
    expect(settled[2]).toMatchObject({ reason: { permanent: true, code: 'HTTP_422' } });
    const taken = server.received
      .filter(({ body }) => !body.includes('"bad'))
      .flatMap(({ body }) => (JSON.parse(body) as { event_id: string }[]).map(({ event_id }) => event_id));
    expect(taken).toEqual(['0', '1', '3', '4', '6']);
  });
});

describe('a failure', () => {
  const answering =
    (status: number, headers = {}): Act =>
    (response) =>
      response.writeHead(status, headers).end(KEY);

  test.each([
    ['408', answering(408), 'HTTP_408'],
    ['425', answering(425), 'HTTP_425'],
    ['429', answering(429), 'HTTP_429'],
    ['500', answering(500), 'HTTP_500'],
    ['503', answering(503), 'HTTP_503'],
    ['a reset', MISBEHAVIOURS.reset, 'ECONNRESET'],
    ['a bomb', MISBEHAVIOURS['gzip bomb'], 'ANSWER_TOO_LARGE'],
  ])('may pass: %s', async (_what, act, code) => {
    const { send } = await start(act);
    await expect(send()).rejects.toMatchObject({ permanent: false, code });
  });

  test('says when to come again', async () => {
    const { send } = await start(answering(429, { 'retry-after': '7' }));
    await expect(send()).rejects.toMatchObject({ retryAfter: 7 });
  });

  test.each([301, 307, 400, 402, 405, 410, 413, 422])('is permanent: %i', async (status) => {
    const { send, server } = await start(answering(status, { location: 'http://127.0.0.1/' }));
    await expect(send()).rejects.toMatchObject({ permanent: true, code: `HTTP_${status}` });
    expect(server.received.length).toBe(1);
  });

  test.each([401, 403, 404, 409])('is permanent at the third time: %i', async (status) => {
    const { send } = await start(answering(status));
    for (const permanent of [false, false, true]) {
      await expect(send('one')).rejects.toMatchObject({ permanent, code: `HTTP_${status}` });
      if (!permanent) await expect(send('other')).rejects.toMatchObject({ permanent: false });
    }
  });

  test('of a key is forgotten when the service takes the event', async () => {
    let status = 401;
    const { send } = await start((response) => response.writeHead(status).end());
    for (let round = 0; round < 3; round += 1) {
      status = 401;
      await expect(send()).rejects.toMatchObject({ permanent: false });
      await expect(send()).rejects.toMatchObject({ permanent: false });
      status = 200;
      await send();
    }
  });

  test('is a private address that is not allowed', async () => {
    const { send, server } = await start(ok, { allow_private_hosts: [] });
    await expect(send()).rejects.toMatchObject({ permanent: false, code: 'ADDRESS_REFUSED' });
    expect(server.connections()).toBe(0);
  });

  test.each([
    ['an unknown option', { uri: 'x' }, 'tracers.mine.options.uri', 'unknown '],
    [
      'a URL with a password',
      { api_url: `https://u:${KEY}@example.com` },
      'tracers.mine.options.api_url',
      'without a password',
    ],
    [
      'a URL of something else',
      { api_url: 'ftp://example.com' },
      'tracers.mine.options.api_url',
      'an http:// or https:// URL',
    ],
    ['an api_key with a line break', { api_key: `${KEY}\n` }, 'tracers.mine.options.api_key', 'api_key'],
    [
      'a short signing_key',
      { signing_key: 'short' },
      'tracers.mine.options.signing_key',
      'at least 16 characters',
    ],
    ['a batch of nothing', { batch_size: 0 }, 'tracers.mine.options.batch_size', 'must be at least 1'],
  ])('is %s, told with its path', async (_what, wrong, path, words) => {
    const error = await started(MODULE, {
      api_url: 'https://example.com',
      system_id: 's',
      ...wrong,
    }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'OPTIONS_INVALID', path, message: expect.stringContaining(words) });
    expect(String(error)).not.toContain(KEY);
  });
});

test('its options print without their secrets', () => {
  const options = { api_key: KEY, signing_key: KEY, api_url: `https://example.com/a?token=${KEY}` };
  expect(JSON.stringify(withoutSecrets({ tracers: { a: { options } } }, new Set()))).not.toContain(KEY);
});

test('shutdown waits for what is under way', async () => {
  const held = Promise.withResolvers<void>();
  const { send, shutdown, server } = await start((response) => void held.promise.then(() => response.end()));
  const call = send();
  await vi.waitUntil(() => server.received.length === 1, PATIENCE);
  let isOver = false;
  const over = shutdown().then(() => {
    isOver = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isOver).toBe(false);
  held.resolve();
  await Promise.all([call, over, shutdown()]);
  await expect(send('later')).rejects.toBeInstanceOf(Error);
});
