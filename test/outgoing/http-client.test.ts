import type { LookupFunction } from 'node:net';
import { createServer } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { errorType } from '../../src/model/error.ts';
import { type HttpClient, type HttpClientSettings, httpClient } from '../../src/outgoing/http-client.ts';
import { type Act, MISBEHAVIOURS, startServer } from './misbehaving-server.ts';

const KEY = 'kanari-key';
const closing: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of closing.splice(0)) await one.close();
});

async function serve(act: Act, host?: string) {
  const server = await startServer(act, host);
  closing.unshift(server);
  return server;
}

function client(settings: HttpClientSettings = { allowPrivateHosts: ['127.0.0.1'] }): HttpClient {
  const made = httpClient(settings);
  closing.unshift(made);
  return made;
}

const ok: Act = (response) => response.setHeader('x-b', ['1', '2']).end('{"ü":1}');
const post = (http: HttpClient, url: URL) => http.post(url, '{"a":"é"}', { authorization: `Bearer ${KEY}` });

/** What the call was refused with, as far as anybody sees it. */
async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    const shown = String(error) + JSON.stringify(error) + (error instanceof Error ? error.stack : '');
    expect(shown).not.toContain(KEY);
    return errorType(error);
  }
  return 'nothing';
}

describe('a call', () => {
  test('posts the body and brings status, headers and text', async () => {
    const { url, received } = await serve(ok);
    const answer = await post(client(), url);
    expect(answer).toMatchObject({ status: 200, headers: { 'x-b': '1, 2' }, text: '{"ü":1}' });
    expect(received).toMatchObject([
      { path: '/path', body: '{"a":"é"}', headers: { authorization: `Bearer ${KEY}` } },
    ]);
  });

  test('may ask for the head alone, whatever its encoding', async () => {
    const { url, received } = await serve((response) =>
      response.writeHead(405, { 'content-encoding': 'gzip' }).end(),
    );
    const answer = await client().head(url, { authorization: `Bearer ${KEY}` });
    expect(answer).toMatchObject({ status: 405, text: '' });
    expect(received).toMatchObject([{ path: '/path', headers: { authorization: `Bearer ${KEY}` } }]);
    expect(await refusal(client({}).head(url, {}))).toBe('ADDRESS_REFUSED');
  });

  test('brings an answer of any status', async () => {
    const { url } = await serve((response) => response.writeHead(503, { 'retry-after': '3' }).end('busy'));
    expect(await post(client(), url)).toMatchObject({ status: 503, text: 'busy' });
  });

  test('decompresses', async () => {
    const { url } = await serve((response) =>
      response.setHeader('content-encoding', 'gzip').end(gzipSync('plain')),
    );
    expect(await post(client(), url)).toMatchObject({ text: 'plain' });
  });

  test('keeps connections', async () => {
    const { url, connections } = await serve(ok);
    const http = client();
    for (let call = 0; call < 20; call += 1) await post(http, url);
    expect(connections()).toBeLessThanOrEqual(2);
  });

  test.each([301, 302, 303, 307, 308])('does not follow a redirect (%i)', async (status) => {
    const target = await serve(ok);
    const { url } = await serve((response) =>
      response.writeHead(status, { location: target.url.href }).end(),
    );
    expect(await post(client(), url)).toMatchObject({ status });
    expect(target.received).toEqual([]);
  });
});

describe('a private address', () => {
  const refused = (url: string | URL, settings: HttpClientSettings = {}) =>
    refusal(post(client(settings), new URL(url)));

  test.each(['127.0.0.1', '127.1', '0x7f000001', '2130706433', 'localhost', 'LOCALHOST', '0.0.0.0'])(
    'is refused as %s',
    async (host) => {
      const { port, connections } = await serve(ok);
      expect(await refused(`http://${host}:${port}/`)).toBe('ADDRESS_REFUSED');
      expect(connections()).toBe(0);
    },
  );

  test.each(['[::1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[64:ff9b::7f00:1]', '[::]', '[fd00::1]'])(
    'is refused as %s',
    async (host) => expect(await refused(`http://${host}:9/`)).toBe('ADDRESS_REFUSED'),
  );

  test.each(['169.254.169.254', '10.0.0.1', '100.64.0.1'])('is refused as %s, over TLS too', async (host) =>
    expect(await refused(`https://${host}/`)).toBe('ADDRESS_REFUSED'),
  );

  test('is taken where it is named as it stands in the url', async () => {
    const { port, url } = await serve(ok);
    const local = new URL(`http://localhost:${port}/`);
    expect(await refusal(post(client({ allowPrivateHosts: ['Localhost'] }), local))).toBe('nothing');
    expect(await refusal(post(client({ allowPrivateHosts: ['localhost'] }), url))).toBe('ADDRESS_REFUSED');
  });

  test('is taken where an IPv6 address is named, with brackets or without', async () => {
    const { url } = await serve(ok, '::1');
    for (const host of ['::1', '[::1]'])
      expect(await refusal(post(client({ allowPrivateHosts: [host] }), url))).toBe('nothing');
  });

  describe('behind a name', () => {
    const resolvesTo =
      (...addresses: string[]): LookupFunction =>
      (_name, _options, callback) =>
        callback(
          null,
          addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
        );

    test('is refused when the connection is made', async () => {
      const { port, connections } = await serve(ok);
      const url = new URL(`http://audit.example:${port}/`);
      const lookup = resolvesTo('127.0.0.1');
      expect(await refused(url, { lookup })).toBe('ADDRESS_REFUSED');
      expect(connections()).toBe(0);
      expect(await refused(url, { lookup, allowPrivateHosts: ['audit.example'] })).toBe('nothing');
    });

    test('is refused among public ones', async () => {
      const { port, connections } = await serve(ok);
      const lookup = resolvesTo('8.8.8.8', '127.0.0.1');
      expect(await refused(`http://audit.example:${port}/`, { lookup })).toBe('ADDRESS_REFUSED');
      expect(connections()).toBe(0);
    });

    test('is refused when it changes between two calls (DNS rebinding)', async () => {
      const { port, received } = await serve((response) => response.setHeader('connection', 'close').end());
      const asked: string[] = [];
      const lookup: LookupFunction = (name, options, callback) => {
        asked.push(name);
        // First a public address at which nobody answers in time, then this machine.
        resolvesTo(asked.length === 1 ? '192.88.98.1' : '127.0.0.1')(name, options, callback);
      };
      const http = client({ lookup, timeout: 100 });
      const url = new URL(`http://rebind.example:${port}/`);
      expect(await refusal(post(http, url))).not.toBe('nothing');
      expect(await refusal(post(http, url))).toBe('ADDRESS_REFUSED');
      expect(asked).toEqual(['rebind.example', 'rebind.example']);
      expect(received).toEqual([]);
    });

    test('is waited for no longer than the call may take', async () => {
      expect(await refused('http://audit.example/', { lookup: () => {}, timeout: 50 })).toBe('TIMEOUT');
    });

    test('is refused where the name is not found', async () => {
      expect(await refused('http://audit.invalid/', { lookup: resolvesTo() })).not.toBe('nothing');
    });
  });
});

describe('a service that misbehaves is left', () => {
  const limits = { allowPrivateHosts: ['127.0.0.1'], timeout: 300 };

  test.each([
    ['hang', 'TIMEOUT'],
    ['slow drip', 'TIMEOUT'],
    ['reset', 'ECONNRESET'],
    ['hang up', 'UND_ERR_SOCKET'],
    ['cut short', 'UND_ERR_SOCKET'],
    ['bad gzip', 'Z_DATA_ERROR'],
    ['no http', 'NETWORK_FAILED'],
  ] as const)('%s: %s', async (name, code) => {
    const { url } = await serve(MISBEHAVIOURS[name]);
    expect(await refusal(post(client(limits), url))).toBe(code);
  });

  test.each(['gzip bomb', 'large answer'] as const)('%s: ANSWER_TOO_LARGE', async (name) => {
    const { url } = await serve(MISBEHAVIOURS[name]);
    const http = client({ allowPrivateHosts: ['127.0.0.1'] });
    const before = process.memoryUsage().rss;
    expect(await refusal(post(http, url))).toBe('ANSWER_TOO_LARGE');
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * 1024 * 1024);
  });

  test('nobody there: ECONNREFUSED', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    await new Promise((resolve) => server.close(resolve));
    expect(await refusal(post(client(), new URL(`http://127.0.0.1:${port}/`)))).toBe('ECONNREFUSED');
  });

  test('and the next call is answered', async () => {
    let calls = 0;
    const { url } = await serve((response, received) => {
      calls += 1;
      (calls === 1 ? MISBEHAVIOURS.hang : ok)(response, received);
    });
    const http = client(limits);
    expect(await refusal(post(http, url))).toBe('TIMEOUT');
    expect(await post(http, url)).toMatchObject({ status: 200 });
  });
});

test('closing ends calls under way, and is safe twice', async () => {
  const { url } = await serve((response) => {
    response.writeHead(200);
    response.write(' ');
    arrived();
  });
  let arrived = () => {};
  const underWay = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const http = httpClient({ allowPrivateHosts: ['127.0.0.1'] });
  const call = refusal(post(http, url));
  await underWay;
  await http.close();
  await http.close();
  expect(await call).not.toBe('nothing');
  expect(await refusal(post(http, url))).not.toBe('nothing');
});
