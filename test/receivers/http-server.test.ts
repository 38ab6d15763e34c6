import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { missingOpenssl, selfSigned } from '../support/certificate.ts';
import { conserverSpan, decodeAnswer, request } from '../support/otlp-request.ts';
import { JSON_TYPE, openConnection, PROTOBUF, startReceiver } from '../support/receiver.ts';
import { describeWith, freePort } from '../support/server.ts';

test('what is not there is a 404, what is only for POST a 405', async () => {
  const { url, post } = await startReceiver();
  const missing = await post('/v1/profiles', '{}', JSON_TYPE);
  expect([missing.status, await missing.json()]).toEqual([
    404,
    { error: expect.stringContaining('/v1/traces') },
  ]);
  for (const path of ['/v1/traces', '/v1/bridge']) {
    const got = await fetch(url + path);
    expect([got.status, got.headers.get('allow')]).toEqual([405, 'POST']);
  }
});

test.each(['/v1/metrics', '/v1/logs'] as const)('%s is taken, counted and forgotten', async (path) => {
  const { post, counts } = await startReceiver();
  const protobuf = await post(path, Buffer.alloc(1_000, 1));
  expect([protobuf.status, protobuf.headers.get('content-type'), await protobuf.text()]).toEqual([
    200,
    'application/x-protobuf',
    '',
  ]);
  const json = await post(path, 'no JSON', JSON_TYPE);
  expect([json.status, await json.json()]).toEqual([200, {}]);
  expect(counts.of('other', path === '/v1/logs' ? 'logs' : 'metrics')).toBe(2);
});

describe('with a token', () => {
  const token = 'a token of a test';
  test.each([[undefined], ['Bearer'], ['Bearer another one'], [`Basic ${token}`], [`Bearer ${token}x`]])(
    '%s is refused',
    async (authorization) => {
      const { post, sink } = await startReceiver({ token });
      const { protobuf } = request([conserverSpan('link.a')]);
      const headers = { ...PROTOBUF, ...(authorization && { authorization }) };
      const answer = await post('/v1/traces', protobuf, headers);
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
      expect(decodeAnswer('Status', new Uint8Array(await answer.arrayBuffer()))).toMatchObject({ code: 16 });
      expect(sink.taken).toEqual([]);
    },
  );

  test('whoever has it may send', async () => {
    const { post } = await startReceiver({ token });
    const answer = await post('/v1/traces', '', { ...PROTOBUF, authorization: `bearer ${token}` });
    expect(answer.status).toBe(200);
  });

  test('an empty one is none', async () => {
    const { post } = await startReceiver({ token: '' });
    expect((await post('/v1/traces', '')).status).toBe(200);
  });
});

test('an address that is taken is told', async () => {
  const { url } = await startReceiver();
  await expect(startReceiver({ port: Number(new URL(url).port) })).rejects.toMatchObject({
    code: 'ADDRESS_UNAVAILABLE',
    path: 'receivers.http',
  });
});

test('a certificate that is not there is told', async () => {
  const tls = { cert: '/nowhere/cert.pem', key: '/nowhere/key.pem' };
  await expect(startReceiver({ tls })).rejects.toMatchObject({
    code: 'FILE_UNUSABLE',
    path: 'receivers.http.tls.cert',
  });
});

describe('connections', () => {
  test('one that sends nothing is ended', async () => {
    const { url } = await startReceiver({ headerTimeout: 200 });
    await openConnection(url).closed;
  });

  test('one whose body does not come is ended', async () => {
    const { url, sink } = await startReceiver({ headerTimeout: 200, bodyTimeout: 200 });
    const { socket, closed } = openConnection(url);
    socket.write('POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\n');
    socket.write('content-length: 100\r\n\r\n\n');
    await closed;
    expect(sink.taken).toEqual([]);
  });
});

describe('close', () => {
  test('lets requests under way come to their end, and is safe twice', async () => {
    const { post, sink, close, url } = await startReceiver();
    const { promise, resolve } = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    sink.keep = () => {
      asked.resolve();
      return promise;
    };
    const answer = post('/v1/traces', request([conserverSpan('link.a')]).protobuf);
    await asked.promise;
    const closed = close();
    resolve();
    expect((await answer).status).toBe(200);
    await closed;
    await close();
    await expect(fetch(url)).rejects.toThrow();
  });

  test('ends connections that lead to nothing', async () => {
    const { url, close } = await startReceiver();
    const { socket, closed } = openConnection(url);
    await once(socket, 'connect');
    await close();
    await closed;
  });

  test('its port is free afterwards', async () => {
    const port = await freePort();
    const { close } = await startReceiver({ port });
    await close();
    const again = await startReceiver({ port });
    expect(again.url).toBe(`http://127.0.0.1:${port}`);
  });
});

describeWith('openssl', missingOpenssl(), 'TLS', () => {
  const { folder, cert, key } = selfSigned();

  test('spans come in over TLS', async () => {
    const { url, sink } = await startReceiver({ tls: { cert, key } });
    expect(url).toMatch(/^https:/);
    expect(await postOverTls(url, {})).toBe(200);
    expect(sink.taken).toHaveLength(1);
  });

  test('where clients need a certificate, one without it is not served', async () => {
    const { url, sink } = await startReceiver({ tls: { cert, key, clientCa: cert } });
    await expect(postOverTls(url, {})).rejects.toThrow();
    expect(sink.taken).toEqual([]);
  });

  test('what is no certificate is told', async () => {
    const broken = join(folder, 'broken.pem');
    writeFileSync(broken, 'no certificate');
    await expect(startReceiver({ tls: { cert: broken, key } })).rejects.toMatchObject({
      code: 'FILE_UNUSABLE',
      path: 'receivers.http.tls',
    });
  });
});

function postOverTls(url: string, options: object): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(`${url}/v1/traces`, {
      method: 'POST',
      headers: PROTOBUF,
      rejectUnauthorized: false,
      agent: false,
      ...options,
    });
    sent.once('error', reject);
    sent.once('response', (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.end(request([conserverSpan('link.a')]).protobuf);
  });
}
